package org.example.alerts;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A set of alerts already seen grows by a few hundred an interval; the working set beside it swings by megabytes. */
public final class SeenAlerts {
    record Sample(String sensor, double[] values) {}

    private static final Set<String> SEEN = new HashSet<>();
    private static List<Sample> window = List.of();

    public static void main(String[] args) throws Exception {
        Random random = new Random(27);
        Dumps.run(args, number -> {
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < 40_000 + random.nextInt(15_000); i++) {
                samples.add(new Sample("sensor-" + i % 100, new double[20]));
            }
            window = samples;
            for (int i = 0; i < 600; i++) {
                String sensor = "sensor-" + random.nextInt(100);
                SEEN.add(sensor + " at " + number + "." + i + ": " + Everyday.text(random, 3));
            }
            Everyday.work(number);
        });
    }
}
