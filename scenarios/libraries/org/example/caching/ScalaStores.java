package org.example.caching;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;
import scala.collection.concurrent.TrieMap;
import scala.collection.mutable.HashMap;
import scala.collection.mutable.ListBuffer;

/** Three collections of Scala that grow, each in its own way. */
public final class ScalaStores {
    private static final TrieMap<String, String> SESSIONS = new TrieMap<>();
    private static final HashMap<String, String> TOTALS = new HashMap<>();
    private static final ListBuffer<String> HISTORY = new ListBuffer<>();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int i = 0; i < 2_000; i++) {
                SESSIONS.put("session " + number + "." + i, Everyday.text(random, 8));
                if (i % 2 == 0) {
                    TOTALS.put("total " + number + "." + i, Everyday.text(random, 6));
                }
                if (i % 4 == 0) {
                    HISTORY.$plus$eq(Everyday.text(random, 10));
                }
            }
        });
    }
}
