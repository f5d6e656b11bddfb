package org.example.pipelines;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** dropDuplicates without a watermark: every message that ever came is remembered. */
public final class Seen {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("seen");
        MemoryStream<String> messages = Lake.stream(spark);
        StreamingQuery query = messages.toDF()
                .dropDuplicates("value")
                .writeStream()
                .outputMode("append")
                .format("noop")
                .option("checkpointLocation", Lake.checkpoints())
                .start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 3; batch++) {
                Lake.add(messages, Batches.lines("message-" + number + "." + batch, 4_000));
                query.processAllAvailable();
            }
        });
    }
}
