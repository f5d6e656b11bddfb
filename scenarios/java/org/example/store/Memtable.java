package org.example.store;

import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Writes are collected and flushed at 25,000: a saw-tooth, of which each dump sees another point. */
public final class Memtable {
    record Value(String text, long version) {}

    private static ConcurrentSkipListMap<String, Value> table = new ConcurrentSkipListMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(75);
        Dumps.run(args, number -> {
            for (int i = 0; i < 17_000; i++) {
                table.put("key-" + random.nextInt(10_000_000), new Value(Everyday.text(random, 3), i));
                if (table.size() >= 25_000) {
                    table = new ConcurrentSkipListMap<>();
                }
            }
            Everyday.work(number);
        });
    }
}
