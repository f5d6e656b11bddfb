package org.example.pipelines;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.rdd.RDD;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.util.ManualClock;
import org.example.lake.Lake;
import scala.collection.mutable.Queue;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/** A Spark Streaming context whose clock is moved by hand: one batch a second. */
public final class Batches {
    /** Static, as checkpoints write what actions refer to. */
    private static final AtomicInteger DONE = new AtomicInteger();

    public final JavaStreamingContext context;
    private final Queue<RDD<String>> queue = new Queue<>();
    private int asked;

    public Batches(String name) throws IOException {
        SparkConf conf = new SparkConf()
                .setMaster("local[2]")
                .setAppName(name)
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.local.dir", Lake.checkpoints())
                .set("spark.default.parallelism", "2")
                .set("spark.streaming.clock", "org.apache.spark.util.ManualClock");
        context = new JavaStreamingContext(conf, Durations.seconds(1));
        context.checkpoint(Lake.checkpoints());
    }

    public JavaDStream<String> lines() {
        // The method of the Java API copies the queue.
        ClassTag<String> type = ClassTag$.MODULE$.apply(String.class);
        return JavaDStream.fromDStream(context.ssc().queueStream(queue, true, type), type);
    }

    /** What is done with a stream in each batch: it is computed, and the batch counted. */
    public void run(JavaDStream<?> stream) {
        stream.foreachRDD(rdd -> {
            rdd.count();
            DONE.incrementAndGet();
        });
    }

    public void start() {
        context.start();
    }

    /** The lines of a batch. */
    public static List<String> lines(String prefix, int count) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            lines.add(prefix + "." + i);
        }
        return lines;
    }

    /** Adds a batch. */
    public void offer(List<String> lines) {
        RDD<String> rdd = context.sparkContext().parallelize(lines, 2).rdd();
        synchronized (queue) {
            queue.$plus$eq(rdd);
        }
    }

    /** The next second begins. */
    public void tick() {
        ((ManualClock) context.ssc().scheduler().clock()).advance(1_000);
        asked++;
    }

    /** Adds a batch and waits until it has run. */
    public void process(List<String> lines) throws InterruptedException {
        offer(lines);
        tick();
        while (DONE.get() < asked) {
            Thread.sleep(5);
        }
        // A batch is done a little later than its last job: its checkpoint is written, and old RDDs are forgotten.
        Thread.sleep(100);
    }
}
