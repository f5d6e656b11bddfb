package org.example.portal;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Sessions of 25 tenants. They never expire; each has a small map of its own, which does not grow. */
public final class Tenants {
    static final class Session {
        private final String user;
        private final Map<String, String> attributes;

        Session(String user, Random random) {
            this.user = user;
            attributes = Everyday.details(random, 3);
        }
    }

    static final class Tenant {
        private final Map<String, Session> sessions = new ConcurrentHashMap<>();

        void logIn(String id, String user, Random random) {
            sessions.put(id, new Session(user, random));
        }
    }

    private static final Map<String, Tenant> TENANTS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(20);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                String id = Long.toHexString(random.nextLong());
                Tenant tenant = TENANTS.computeIfAbsent("tenant-" + i % 25, any -> new Tenant());
                tenant.logIn(id, "user-" + random.nextInt(1_000), random);
            }
            Everyday.work(number);
        });
    }
}
