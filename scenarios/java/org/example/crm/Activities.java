package org.example.crm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Two leaks in one program, which have nothing to do with each other: a trail and a cache of searches. */
public final class Activities {
    record Activity(String who, String what, Map<String, String> details) {}

    static final class Trail {
        private final List<Activity> activities = new ArrayList<>();
    }

    static final class Searches {
        private static final Map<String, long[]> HITS = new HashMap<>();
    }

    private static final Trail TRAIL = new Trail();

    public static void main(String[] args) throws Exception {
        Random random = new Random(24);
        Dumps.run(args, number -> {
            for (int i = 0; i < 1_500; i++) {
                String what = Everyday.text(random, 4);
                TRAIL.activities.add(new Activity("user-" + i % 40, what, Everyday.details(random, 2)));
            }
            for (int i = 0; i < 2_000; i++) {
                Searches.HITS.put(Everyday.text(random, 3) + number + "." + i, new long[16]);
            }
            Everyday.work(number);
        });
    }
}
