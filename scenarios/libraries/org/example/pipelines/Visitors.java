package org.example.pipelines;

import java.util.List;
import org.apache.spark.api.java.function.FlatMapGroupsWithStateFunction;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import org.apache.spark.sql.streaming.GroupStateTimeout;
import org.apache.spark.sql.streaming.OutputMode;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** flatMapGroupsWithState without a timeout: a state for each visitor who ever came. */
public final class Visitors {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("visitors");
        MemoryStream<String> visits = Lake.stream(spark);
        FlatMapGroupsWithStateFunction<String, String, String, String> seen = (visitor, lines, state) -> {
            state.update("last page of " + visitor);
            return List.of(visitor).iterator();
        };
        StreamingQuery query = visits.toDS()
                .groupByKey((MapFunction<String, String>) visitor -> visitor, Encoders.STRING())
                .flatMapGroupsWithState(
                        seen, OutputMode.Update(), Encoders.STRING(), Encoders.STRING(), GroupStateTimeout.NoTimeout())
                .writeStream()
                .outputMode("update")
                .format("noop")
                .option("checkpointLocation", Lake.checkpoints())
                .start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 3; batch++) {
                Lake.add(visits, Batches.lines("visitor-" + number + "." + batch, 4_000));
                query.processAllAvailable();
            }
        });
    }
}
