package org.example.state;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** RDDs that are persisted in each run, kept in a list and never unpersisted. */
public final class Runs {
    private static final List<JavaRDD<String>> RUNS = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("runs").sparkContext());
        Dumps.run(args, number -> {
            for (int run = 0; run < 3; run++) {
                String prefix = "line of run " + number + "." + run + " ";
                JavaRDD<String> rows = spark.parallelize(List.of(1, 2), 2).flatMap(part -> {
                    List<String> lines = new ArrayList<>();
                    for (int i = 0; i < 3_000; i++) {
                        lines.add(prefix + part + "." + i);
                    }
                    return lines.iterator();
                });
                RUNS.add(rows.cache());
                rows.count();
            }
        });
    }
}
