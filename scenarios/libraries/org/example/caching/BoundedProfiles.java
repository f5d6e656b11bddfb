package org.example.caching;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A Caffeine cache with a maximum that it has not reached at the last dump. */
public final class BoundedProfiles {
    private static final Cache<String, String> PROFILES = Caffeine.newBuilder().maximumSize(50_000).build();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int i = 0; i < 3_000; i++) {
                PROFILES.put("user " + number + "." + i, Everyday.text(random, 8));
            }
        });
    }
}
