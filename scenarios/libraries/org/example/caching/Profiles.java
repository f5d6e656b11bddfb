package org.example.caching;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A Caffeine cache without a bound, behind an object that is not a collection. */
public final class Profiles {
    private static final Profiles PROFILES = new Profiles();

    private final Cache<String, String> byUser = Caffeine.newBuilder().build();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int i = 0; i < 3_000; i++) {
                PROFILES.byUser.put("user " + number + "." + i, Everyday.text(random, 8));
            }
        });
    }
}
