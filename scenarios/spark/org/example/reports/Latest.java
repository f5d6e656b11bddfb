package org.example.reports;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;

import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Results are collected on the driver; only the latest are kept. What grows is Spark's own record of what it did. */
public final class Latest {
    private static List<Row> latest = List.of();

    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("latest");
        Dumps.run(args, number -> {
            for (int run = 0; run < 8; run++) {
                latest = spark.range(100_000L * number, 100_000L * number + 3_000)
                        .select(col("id"), concat(lit("line "), col("id"), lit(" of run " + run)).as("text"))
                        .collectAsList();
            }
        });
    }
}
