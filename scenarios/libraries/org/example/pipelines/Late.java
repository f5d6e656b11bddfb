package org.example.pipelines;

import java.util.concurrent.CountDownLatch;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.example.base.Dumps;

/** A batch that does not end, and those that are due behind it. */
public final class Late {
    private static final CountDownLatch NEVER = new CountDownLatch(1);

    public static void main(String[] args) throws Exception {
        Batches batches = new Batches("late");
        JavaDStream<Integer> lengths = batches.lines().map(String::length);
        lengths.foreachRDD(rdd -> NEVER.await());
        batches.start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 10; batch++) {
                batches.offer(Batches.lines("line-" + number + "." + batch, 1_000));
                batches.tick();
                Thread.sleep(50);
            }
            Thread.sleep(300);
        });
    }
}
