package org.example.caching;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A Guava cache without a bound. */
public final class Quotes {
    private static final Cache<String, String> QUOTES = CacheBuilder.newBuilder().build();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int i = 0; i < 3_000; i++) {
                QUOTES.put("quote " + number + "." + i, Everyday.text(random, 8));
            }
        });
    }
}
