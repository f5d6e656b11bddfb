package org.example.state;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** A ranking that is made from the one before in each round: an ever longer lineage. */
public final class Ranking {
    private static JavaRDD<Double> ranks;

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("ranking").sparkContext());
        List<Double> start = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            start.add(1.0 / (1 + i));
        }
        ranks = spark.parallelize(start, 2);
        Dumps.run(args, number -> {
            for (int round = 0; round < 15; round++) {
                double[] weights = new double[2_000];
                weights[round] = 1.0 / number;
                ranks = ranks.map(rank -> rank * (1 - weights[0]) + weights[1]);
            }
            ranks.count();
        });
    }
}
