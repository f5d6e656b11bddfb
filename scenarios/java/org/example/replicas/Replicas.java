package org.example.replicas;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A bounded cache, the order of its keys in a deque beside it, and a small table of where they came from. */
public final class Replicas {
    static final class Cache {
        private final int maxEntries = 60_000;
        private final Map<String, String> values = new HashMap<>();
        private final Deque<String> order = new ArrayDeque<>();
        private final Map<Integer, Integer> origins = new HashMap<>();

        void put(String key, String value, int origin) {
            origins.merge(origin, 1, Integer::sum);
            values.put(key, value);
            order.add(key);
            if (values.size() > maxEntries) {
                values.remove(order.poll());
            }
        }
    }

    private static final Cache CACHE = new Cache();

    public static void main(String[] args) throws Exception {
        Random random = new Random(303);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_000; i++) {
                CACHE.put("row-" + number + "." + i, Everyday.text(random, 10), i % 40);
            }
            Everyday.work(number);
        });
    }
}
