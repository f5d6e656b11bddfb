package org.example.rates;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** All rates are loaded anew in each interval: other objects each time, about as many as before. */
public final class RateTable {
    record Rate(String pair, TreeMap<Integer, Double> byDay) {}

    private static volatile Map<String, Rate> rates = Map.of();

    public static void main(String[] args) throws Exception {
        Random random = new Random(64);
        Dumps.run(args, number -> {
            Map<String, Rate> loaded = new HashMap<>();
            for (int i = 0; i < 2_500 + random.nextInt(25); i++) {
                TreeMap<Integer, Double> byDay = new TreeMap<>();
                for (int day = 0; day < 20; day++) {
                    byDay.put(day, random.nextDouble());
                }
                loaded.put("pair-" + i, new Rate("pair-" + i, byDay));
            }
            rates = loaded;
            Everyday.work(number);
        });
    }
}
