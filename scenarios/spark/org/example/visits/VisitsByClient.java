package org.example.visits;

import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Counts visits by client without a watermark: the state has each client that ever came. */
public final class VisitsByClient {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("visits by client");
        MemoryStream<String> visits = Lake.stream(spark);
        StreamingQuery query = visits.toDF()
                .groupBy("value")
                .agg(count(lit(1)))
                .writeStream()
                .outputMode("update")
                .format("noop")
                .option("checkpointLocation", Lake.checkpoints())
                .start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 3; batch++) {
                List<String> clients = new ArrayList<>();
                for (int i = 0; i < 4_000; i++) {
                    clients.add("client-" + number + "." + batch + "." + i);
                }
                Lake.add(visits, clients);
                query.processAllAvailable();
            }
        });
    }
}
