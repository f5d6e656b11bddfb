package com.example.leaks;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A static cache without bound: every tenant's rendered reports stay in it. */
public final class StaticCacheLeak {
    private static final Map<Integer, Report> RENDERED = new HashMap<>();

    static final class Report {
        private final String title;
        private final List<int[]> pages = new ArrayList<>(2);

        Report(int tenant) {
            title = "report of tenant " + tenant;
            pages.add(new int[8 + tenant % 8]);
            pages.add(new int[8]);
        }
    }

    public static void main(String[] args) throws Exception {
        int tenant = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 1_500; i++, tenant++) {
                RENDERED.computeIfAbsent(tenant, Report::new);
            }
            Checkpoint.reach();
        }
    }
}
