package org.example.thesaurus;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache whose bound is in an object with its settings. */
public final class Thesaurus {
    record Settings(String name, int maximumSize, int threads) {}

    static final class Cache {
        private final Settings settings;
        private final Map<String, String> words = new HashMap<>();

        Cache(Settings settings) {
            this.settings = settings;
        }

        void put(String key, String value) {
            if (words.size() >= settings.maximumSize()) {
                words.clear();
            }
            words.put(key, value);
        }
    }

    private static final Cache CACHE = new Cache(new Settings("thesaurus", 50_000, 4));

    public static void main(String[] args) throws Exception {
        Random random = new Random(233);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                CACHE.put("word-" + number + "." + i, Everyday.text(random, 14));
            }
            Everyday.work(number);
        });
    }
}
