package org.example.checkouts;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Checkouts are removed when they are paid; those whose payment fails are forgotten. Most come and go. */
public final class LostCheckouts {
    record Checkout(String customer, Map<String, String> basket) {}

    private static final int AT_A_TIME = 6_000;
    private static final int FAILED = 1_500;
    private static final Map<Long, Checkout> OPEN = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(82);
        List<Long> unpaid = new ArrayList<>();
        Dumps.run(args, number -> {
            unpaid.subList(Math.min(FAILED, unpaid.size()), unpaid.size()).forEach(OPEN::remove);
            unpaid.clear();
            for (int i = 0; i < AT_A_TIME; i++) {
                long id = random.nextLong();
                OPEN.put(id, new Checkout("customer-" + i, Everyday.details(random, 3)));
                unpaid.add(id);
            }
            Everyday.work(number);
        });
    }
}
