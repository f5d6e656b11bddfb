package org.example.pages;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A least-recently-used cache that fills during the first three intervals; then each page drives out another. */
public final class PageCache {
    record Page(String title, String body, int[] links) {}

    static final class Recent<V> extends LinkedHashMap<String, V> {
        private final int maximum;

        Recent(int maximum) {
            super(16, 0.75f, true);
            this.maximum = maximum;
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
            return size() > maximum;
        }
    }

    private static final Map<String, Page> PAGES = new Recent<>(8_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(51);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                String path = "/page/" + number + "." + i;
                PAGES.put(path, new Page(Everyday.text(random, 3), Everyday.text(random, 25), new int[12]));
                PAGES.get("/page/" + number + "." + random.nextInt(i + 1));
            }
            Everyday.work(number);
        });
    }
}
