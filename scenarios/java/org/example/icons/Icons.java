package org.example.icons;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An LRU cache whose bound is a constant of the class around it. It is a third full at the last dump. */
public final class Icons {
    private static final int MAX_ENTRIES = 60_000 + Integer.getInteger("icons", 0);

    private static final Map<String, String> CACHE = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > MAX_ENTRIES;
        }
    };

    public static void main(String[] args) throws Exception {
        Random random = new Random(221);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                CACHE.put("icon-" + number + "." + i, Everyday.text(random, 15));
            }
            Everyday.work(number);
        });
    }
}
