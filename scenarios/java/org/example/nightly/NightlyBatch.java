package org.example.nightly;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** One dump, the last but one, is taken in the middle of a batch with a big working set, which is dropped after it. */
public final class NightlyBatch {
    record Booking(String account, long cents, String text) {}

    private static List<Booking> batch = List.of();

    public static void main(String[] args) throws Exception {
        Random random = new Random(62);
        Dumps.run(args, number -> {
            List<Booking> bookings = new ArrayList<>();
            int size = number == Dumps.count() - 1 ? 60_000 : 500 + random.nextInt(200);
            for (int i = 0; i < size; i++) {
                String account = "account-" + random.nextInt(800);
                bookings.add(new Booking(account, random.nextInt(100_000), Everyday.text(random, 4)));
            }
            batch = bookings;
            Everyday.work(number);
        });
    }
}
