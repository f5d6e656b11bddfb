package org.example.state;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** A Spark session of its own for each request, all of them kept. */
public final class Tenants {
    private static final Map<String, SparkSession> SESSIONS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        SparkSession spark = Lake.session("tenants");
        Dumps.run(args, number -> {
            for (int request = 0; request < 6; request++) {
                SparkSession session = spark.newSession();
                session.range(10).createOrReplaceTempView("numbers");
                session.sql("select count(*) from numbers").collectAsList();
                SESSIONS.put("request " + number + "." + request, session);
            }
        });
    }
}
