package org.example.samples;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Samples of 40 metrics: each has an array of 5,000 places that is filled in turn. None is full at the last dump. */
public final class Samples {
    static final class Metric {
        private final String[] recent = new String[5_000];
        private int next;

        void add(String sample) {
            recent[next++ % recent.length] = sample;
        }
    }

    private static final Map<String, Metric> METRICS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(306);
        Dumps.run(args, number -> {
            for (int i = 0; i < 12_000; i++) {
                METRICS.computeIfAbsent("metric-" + i % 40, name -> new Metric()).add(Everyday.text(random, 3) + i);
            }
            Everyday.work(number);
        });
    }
}
