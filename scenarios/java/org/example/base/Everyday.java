package org.example.base;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What every server has besides: a catalogue, pages shown lately, counters, garbage. None of it grows. */
public final class Everyday {
    private static final int PRODUCTS = 6_000;
    private static final int PAGES = 500;
    private static final String[] WORDS = {
        "amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "harbour",
        "indigo", "juniper", "kelp", "larch", "meadow", "nectar", "onyx", "pebble",
        "quartz", "raven", "saffron", "thistle", "umber", "violet", "willow", "yarrow"
    };

    record Price(String currency, long cents) {}

    record Product(String id, String title, Price price, List<String> tags) {}

    private static final Map<String, Product> CATALOGUE = new HashMap<>();
    private static final Map<String, String> SHOWN = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > PAGES;
        }
    };
    private static final long[][] COUNTERS = new long[96][60];

    /** A text of so many words. */
    public static String text(Random random, int words) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < words; i++) {
            text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
        }
        return text.toString();
    }

    /** A few entries of details, as requests and sessions have them. */
    public static Map<String, String> details(Random random, int entries) {
        Map<String, String> details = new HashMap<>();
        for (int i = 0; i < entries; i++) {
            details.put(WORDS[i], text(random, 2));
        }
        return details;
    }

    /** An interval of it: some products change, pages come and go, garbage is made. */
    public static long work(int interval) {
        Random random = new Random(interval);
        boolean first = CATALOGUE.isEmpty();
        for (int i = 0; i < (first ? PRODUCTS : PRODUCTS / 20); i++) {
            int number = first ? i : random.nextInt(PRODUCTS);
            List<String> tags = new ArrayList<>(List.of(text(random, 1), text(random, 1)));
            Price price = new Price("EUR", random.nextInt(10_000));
            CATALOGUE.put("product-" + number, new Product("product-" + number, text(random, 6), price, tags));
        }
        long length = 0;
        for (int i = 0; i < 4 * PAGES; i++) {
            Product product = CATALOGUE.get("product-" + random.nextInt(PRODUCTS));
            String page = product.title().toUpperCase() + text(random, 40);
            SHOWN.put(product.id() + "?visit=" + interval + "." + i, page);
            COUNTERS[i % COUNTERS.length][interval % 60] += page.length();
            length += page.length();
        }
        return length;
    }
}
