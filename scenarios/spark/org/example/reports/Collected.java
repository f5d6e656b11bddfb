package org.example.reports;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Results are collected on the driver and kept there, all of them. */
public final class Collected {
    private static final List<List<Row>> RESULTS = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("collected");
        Dumps.run(args, number -> {
            for (int run = 0; run < 3; run++) {
                RESULTS.add(spark.range(100_000L * number, 100_000L * number + 3_000)
                        .select(col("id"), concat(lit("line "), col("id"), lit(" of run " + run)).as("text"))
                        .collectAsList());
            }
        });
    }
}
