package org.example.caching;

import com.codahale.metrics.MetricRegistry;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A histogram of Dropwizard Metrics for each user: names without end. */
public final class Histograms {
    private static final MetricRegistry METRICS = new MetricRegistry();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int user = 0; user < 300; user++) {
                for (int i = 0; i < 20; i++) {
                    METRICS.histogram("user." + number + "." + user + ".milliseconds").update(i);
                }
            }
        });
    }
}
