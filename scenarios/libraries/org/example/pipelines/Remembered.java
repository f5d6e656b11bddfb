package org.example.pipelines;

import org.apache.spark.streaming.Durations;
import org.example.base.Dumps;

/** remember(…) for an hour: a stream keeps the RDDs of all of its batches, and the data in them. */
public final class Remembered {
    public static void main(String[] args) throws Exception {
        Batches batches = new Batches("remembered");
        batches.context.remember(Durations.minutes(60));
        batches.run(batches.lines().map(String::length));
        batches.start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 5; batch++) {
                batches.process(Batches.lines("line-" + number + "." + batch, 2_000));
            }
        });
    }
}
