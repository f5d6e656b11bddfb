package org.example.nightly;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The last dump is taken in the middle of a batch. Before it all was flat: one jump is no trend. */
public final class EndOfMonth {
    record Total(String account, long[] days) {}

    private static final Map<String, Total> TOTALS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(63);
        Dumps.run(args, number -> {
            TOTALS.clear();
            int accounts = number == Dumps.count() ? 25_000 : 2_000 + random.nextInt(50);
            for (int i = 0; i < accounts; i++) {
                TOTALS.put("account-" + i, new Total("account-" + i, new long[31]));
            }
            Everyday.work(number);
        });
    }
}
