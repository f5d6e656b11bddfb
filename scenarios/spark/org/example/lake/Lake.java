package org.example.lake;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.streaming.MemoryStream;
import scala.Option;
import scala.collection.JavaConverters;

/** A small Spark in this JVM, and a stream that is fed by hand. */
public final class Lake {
    public static SparkSession session(String name) throws IOException {
        String directory = Files.createTempDirectory("lake").toString();
        return SparkSession.builder()
                .master("local[2]")
                .appName(name)
                .config("spark.ui.enabled", false)
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.local.dir", directory)
                .config("spark.sql.warehouse.dir", directory)
                .config("spark.sql.shuffle.partitions", 2)
                .config("spark.sql.adaptive.enabled", false)
                .getOrCreate();
    }

    public static MemoryStream<String> stream(SparkSession spark) {
        return new MemoryStream<>(1, spark.sqlContext(), Option.empty(), Encoders.STRING());
    }

    public static void add(MemoryStream<String> stream, List<String> lines) {
        stream.addData(JavaConverters.asScalaBuffer(lines));
    }

    /** Where a query keeps its checkpoints. */
    public static String checkpoints() throws IOException {
        return Files.createTempDirectory("checkpoints").toString();
    }
}
