package org.example.state;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.CollectionAccumulator;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** An accumulator of rejected rows for each run; the accumulators are kept, with all they collected. */
public final class Rejected {
    private static final List<CollectionAccumulator<String>> REJECTED = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("rejected").sparkContext());
        Dumps.run(args, number -> {
            for (int run = 0; run < 3; run++) {
                CollectionAccumulator<String> rejected = spark.sc().collectionAccumulator("rejected");
                String prefix = "row " + number + "." + run + ".";
                spark.parallelize(List.of(1, 2), 2).foreach(part -> {
                    for (int i = 0; i < 2_000; i++) {
                        rejected.add(prefix + part + "." + i);
                    }
                });
                REJECTED.add(rejected);
            }
        });
    }
}
