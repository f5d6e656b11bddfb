package org.example.shop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Quotes are cached by a key with the request's number in it: none is ever found again, none goes. */
public final class QuoteCache {
    record Line(String product, int[] discounts) {}

    record Quote(String customer, List<Line> lines) {}

    private static final Map<String, Quote> QUOTES = new ConcurrentHashMap<>();

    static Quote quote(String key, Random random) {
        return QUOTES.computeIfAbsent(key, any -> {
            List<Line> lines = new ArrayList<>();
            for (int i = 0; i < 2 + random.nextInt(3); i++) {
                lines.add(new Line("product-" + random.nextInt(6_000), new int[4]));
            }
            return new Quote("customer-" + random.nextInt(500), lines);
        });
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(11);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                quote("customer-" + random.nextInt(500) + "/request-" + number + "." + i, random);
            }
            Everyday.work(number);
        });
    }
}
