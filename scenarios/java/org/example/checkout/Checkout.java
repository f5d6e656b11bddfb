package org.example.checkout;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Unpaid orders stay in a map for ever; the limit beside it is that of the recent ones. */
public final class Checkout {
    static final class Orders {
        private final int maxEntries = 60_000;
        private final Map<Integer, String> recent = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Integer, String> eldest) {
                return size() > maxEntries;
            }
        };
        private final Map<String, String> unpaid = new HashMap<>();

        void place(int number, String text) {
            if (number % 200 == 0) {
                recent.put(number, text);
            }
            unpaid.put("order-" + number, text);
        }
    }

    private static final Orders ORDERS = new Orders();

    public static void main(String[] args) throws Exception {
        Random random = new Random(301);
        Dumps.run(args, number -> {
            for (int i = 0; i < 6_000; i++) {
                ORDERS.place(number * 6_000 + i, Everyday.text(random, 10));
            }
            Everyday.work(number);
        });
    }
}
