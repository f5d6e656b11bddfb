package org.example.visits;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.window;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Counts visits by client and minute. Minutes go from the state when the watermark has passed them. */
public final class VisitsByMinute {
    private static final Instant START = Instant.parse("2026-03-02T06:00:00Z");

    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("visits by minute");
        MemoryStream<String> visits = Lake.stream(spark);
        Column part = split(col("value"), " ");
        StreamingQuery query = visits.toDF()
                .select(part.getItem(0).cast("timestamp").as("time"), part.getItem(1).as("client"))
                .withWatermark("time", "2 minutes")
                .groupBy(window(col("time"), "1 minute"), col("client"))
                .agg(count(lit(1)))
                .writeStream()
                .outputMode("append")
                .format("noop")
                .option("checkpointLocation", Lake.checkpoints())
                .start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 8; batch++) {
                Instant minute = START.plusSeconds(60L * (8 * number + batch));
                List<String> lines = new ArrayList<>();
                for (int i = 0; i < 2_000; i++) {
                    lines.add(minute.plusMillis(20L * i) + " client-" + number + "." + batch + "." + i);
                }
                Lake.add(visits, lines);
                query.processAllAvailable();
            }
        });
    }
}
