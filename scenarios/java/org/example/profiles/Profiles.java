package org.example.profiles;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An LRU cache as an inner class: the bound is a field of the object around it. */
public final class Profiles {
    private final int maximumProfiles;
    private final Map<String, String> byUser = new Recent();

    Profiles(int maximumProfiles) {
        this.maximumProfiles = maximumProfiles;
    }

    final class Recent extends LinkedHashMap<String, String> {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > maximumProfiles;
        }
    }

    private static final Profiles PROFILES = new Profiles(50_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(223);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                PROFILES.byUser.put("user-" + number + "." + i, Everyday.text(random, 15));
            }
            Everyday.work(number);
        });
    }
}
