package org.example.buckets;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Counts by minute, of which the last 45 are kept: three intervals long there are more minutes, then no more. */
public final class Rolling {
    private static final TreeMap<Integer, Map<String, long[]>> MINUTES = new TreeMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(74);
        Dumps.run(args, number -> {
            for (int minute = 15 * number; minute < 15 * number + 15; minute++) {
                Map<String, long[]> counts = new HashMap<>();
                for (int i = 0; i < 500; i++) {
                    counts.computeIfAbsent("client-" + random.nextInt(600), any -> new long[20])[i % 20]++;
                }
                MINUTES.put(minute, counts);
                MINUTES.headMap(minute - 44).clear();
            }
            Everyday.work(number);
        });
    }
}
