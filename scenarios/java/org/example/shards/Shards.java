package org.example.shards;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache in 32 parts, each of at most 2,000 entries. A third of them at the last dump. */
public final class Shards {
    static final class Shard {
        private final int maxEntries;
        private final Map<String, String> values = new HashMap<>();

        Shard(int maxEntries) {
            this.maxEntries = maxEntries;
        }

        void put(String key, String value) {
            if (values.size() >= maxEntries) {
                values.remove(values.keySet().iterator().next());
            }
            values.put(key, value);
        }
    }

    private static final Shard[] SHARDS = new Shard[32];

    public static void main(String[] args) throws Exception {
        Random random = new Random(232);
        for (int at = 0; at < SHARDS.length; at++) {
            SHARDS[at] = new Shard(2_000);
        }
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                SHARDS[i % SHARDS.length].put("key-" + number + "." + i, Everyday.text(random, 14));
            }
            Everyday.work(number);
        });
    }
}
