package org.example.state;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** A lookup table is broadcast for each batch; the broadcasts are kept and never destroyed. */
public final class Lookups {
    private static final List<Broadcast<Map<String, String>>> TABLES = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("lookups").sparkContext());
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 3; batch++) {
                Map<String, String> table = new HashMap<>();
                for (int i = 0; i < 4_000; i++) {
                    table.put("key " + i, "value " + number + "." + batch + "." + i);
                }
                Broadcast<Map<String, String>> broadcast = spark.broadcast(table);
                spark.parallelize(List.of("key 1", "key 2"), 2).map(key -> broadcast.value().get(key)).collect();
                TABLES.add(broadcast);
            }
        });
    }
}
