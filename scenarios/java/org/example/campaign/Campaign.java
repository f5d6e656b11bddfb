package org.example.campaign;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache of at most 50,000 coupons, of which there are not half at the last dump: it grows all the time. */
public final class Campaign {
    record Coupon(String code, int[] prices, String text) {}

    static final class Coupons extends LinkedHashMap<String, Coupon> {
        private final int maxEntries;

        Coupons(int maxEntries) {
            this.maxEntries = maxEntries;
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Coupon> eldest) {
            return size() > maxEntries;
        }
    }

    private static final Coupons COUPONS = new Coupons(50_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(72);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                String code = "coupon-" + number + "." + i;
                COUPONS.put(code, new Coupon(code, new int[6], Everyday.text(random, 3)));
            }
            Everyday.work(number);
        });
    }
}
