package org.example.breadcrumbs;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each step is a map in the map of the step before: it grows in depth only. */
public final class Trail {
    private static final Map<String, Object> START = new HashMap<>();

    private static Map<String, Object> here = START;

    public static void main(String[] args) throws Exception {
        Random random = new Random(205);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_000; i++) {
                Map<String, Object> next = new HashMap<>();
                next.put("page", Everyday.text(random, 10));
                here.put("next", next);
                here = next;
            }
            Everyday.work(number);
        });
    }
}
