package org.example.scoring;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Each run persists its table, as it is read twice, and does not unpersist it. */
public final class Scoring {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("scoring");
        Dumps.run(args, number -> {
            for (int run = 0; run < 3; run++) {
                long first = 1_000_000L * number + 100_000L * run;
                Dataset<Row> scores = spark.range(first, first + 15_000)
                        .select(col("id"), concat(lit("score of customer "), col("id")).as("text"))
                        .persist();
                scores.count();
                scores.filter(col("id").mod(7).equalTo(0)).count();
            }
        });
    }
}
