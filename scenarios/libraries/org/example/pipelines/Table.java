package org.example.pipelines;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** A memory sink in production: all rows of all batches are on the driver. */
public final class Table {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("table");
        MemoryStream<String> lines = Lake.stream(spark);
        StreamingQuery query = lines.toDF()
                .writeStream()
                .outputMode("append")
                .format("memory")
                .queryName("lines")
                .start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 3; batch++) {
                Lake.add(lines, Batches.lines("line-" + number + "." + batch, 4_000));
                query.processAllAvailable();
            }
        });
    }
}
