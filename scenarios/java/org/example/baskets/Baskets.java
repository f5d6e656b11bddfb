package org.example.baskets;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache with a limit that is checked where nobody calls it: there are more entries than it says. */
public final class Baskets {
    private static final int MAX_ENTRIES = Integer.parseInt("4000");
    private static final Map<String, List<String>> OPEN = new HashMap<>();

    static void trim() {
        if (OPEN.size() > MAX_ENTRIES) {
            OPEN.clear();
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(302);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                List<String> basket = new ArrayList<>();
                basket.add(Everyday.text(random, 12));
                OPEN.put("basket-" + number + "." + i, basket);
            }
            Everyday.work(number);
            if (number < 0) {
                trim();
            }
        });
    }
}
