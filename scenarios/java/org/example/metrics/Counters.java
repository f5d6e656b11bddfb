package org.example.metrics;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Counters by name, and the user's address is a part of the name: one counter per visitor. */
public final class Counters {
    static final class Registry {
        private final Map<String, Counter> counters = new ConcurrentHashMap<>();
        private final Map<String, Counter> internal = new ConcurrentHashMap<>();

        Counter counter(String name) {
            return counters.computeIfAbsent(name, Counter::new);
        }

        Counter internal(String name) {
            return internal.computeIfAbsent(name, Counter::new);
        }
    }

    static final class Counter {
        private final String name;
        private final LongAdder count = new LongAdder();
        private final double[] rates = new double[6];

        Counter(String name) {
            this.name = name;
        }
    }

    private static final Registry REGISTRY = new Registry();

    public static void main(String[] args) throws Exception {
        Random random = new Random(34);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_000; i++) {
                String address = random.nextInt(256) + "." + random.nextInt(256) + "." + random.nextInt(256) + ".7";
                REGISTRY.counter("http.requests{client=" + address + "}").count.increment();
                REGISTRY.internal("pool.size{pool=" + i % 200 + "}").count.increment();
            }
            Everyday.work(number);
        });
    }
}
