package org.example.auctions;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Bidders are online for less than an interval, and in each one there are more of them. */
public final class RisingLoad {
    record Bidder(String name, Map<String, String> watched) {}

    private static final Map<String, Bidder> ONLINE = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(81);
        Dumps.run(args, number -> {
            ONLINE.clear();
            for (int i = 0; i < 2_000 * (number + 1); i++) {
                String id = Long.toHexString(random.nextLong());
                ONLINE.put(id, new Bidder("bidder-" + id, Everyday.details(random, 4)));
            }
            Everyday.work(number);
        });
    }
}
