package org.example.weather;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache of one's own that writes down when an entry was made, and never looks at it again. */
public final class Forecasts {
    record Entry(String forecast, long madeAt) {}

    static final class ExpiringCache {
        private final Map<String, Entry> entries = new ConcurrentHashMap<>();
        private final long maxAgeMillis = 1_800_000;
        private final int maxRetries = 3;

        String get(String key, Random random) {
            return entries.computeIfAbsent(key, k -> load(k, random)).forecast();
        }

        private Entry load(String key, Random random) {
            for (int attempt = 1; attempt <= maxRetries; attempt++) {
                String forecast = Everyday.text(random, 20);
                if (!forecast.isEmpty()) {
                    return new Entry(forecast + key, System.nanoTime() + maxAgeMillis);
                }
            }
            throw new IllegalStateException();
        }
    }

    static final class Service {
        private final ExpiringCache cache = new ExpiringCache();
    }

    private static final Service SERVICE = new Service();

    public static void main(String[] args) throws Exception {
        Random random = new Random(201);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                SERVICE.cache.get("place-" + number + "." + i, random);
            }
            Everyday.work(number);
        });
    }
}
