package org.example.state;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Each job registers a listener of its own with Spark and does not take it off again. */
public final class Progress extends SparkListener {
    private final List<String> tasks = new ArrayList<>();
    private final byte[] chart = new byte[20_000];

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        tasks.add("stage " + end.stageId());
        chart[tasks.size() % chart.length]++;
    }

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("progress").sparkContext());
        Dumps.run(args, number -> {
            for (int job = 0; job < 10; job++) {
                spark.sc().addSparkListener(new Progress());
                spark.parallelize(List.of(1, 2, 3, 4), 2).count();
            }
        });
    }
}
