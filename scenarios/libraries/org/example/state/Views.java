package org.example.state;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Each upload becomes a temporary view by a name of its own, which is never dropped. */
public final class Views {
    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("views");
        Dumps.run(args, number -> {
            for (int upload = 0; upload < 4; upload++) {
                List<String> lines = new ArrayList<>();
                for (int i = 0; i < 2_000; i++) {
                    lines.add("line " + number + "." + upload + "." + i);
                }
                spark.createDataset(lines, Encoders.STRING()).createOrReplaceTempView("upload_" + number + "_" + upload);
            }
        });
    }
}
