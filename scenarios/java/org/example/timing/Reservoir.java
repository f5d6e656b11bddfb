package org.example.timing;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A sample of at most 60,000 durations, of which there are a third at the last dump. It knows its size. */
public final class Reservoir {
    record Sample(double weight, String request, long nanos) {}

    static final class Histogram {
        private final int size;
        private final Map<Double, Sample> samples = new ConcurrentSkipListMap<>();
        private final Random random = new Random(66);

        Histogram(int size) {
            this.size = size;
        }

        void update(String request, long nanos) {
            if (samples.size() < size) {
                samples.put(random.nextDouble(), new Sample(1, request, nanos));
            }
        }
    }

    private static final Histogram DURATIONS = new Histogram(60_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(67);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                DURATIONS.update("/request/" + number + "." + i, random.nextInt(1_000_000));
            }
            Everyday.work(number);
        });
    }
}
