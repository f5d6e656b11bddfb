package org.example.portal;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Sessions expire after two thirds of the dumps: nothing but the end of the series tells them from a leak. */
public final class LateExpiry {
    record Session(String user, int started, Map<String, String> attributes) {}

    private static final Map<String, Session> SESSIONS = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(83);
        Dumps.run(args, number -> {
            SESSIONS.values().removeIf(session -> session.started() <= number - Dumps.count() * 2 / 3);
            for (int i = 0; i < 2_000; i++) {
                String id = Long.toHexString(random.nextLong());
                SESSIONS.put(id, new Session("user-" + i % 900, number, Everyday.details(random, 3)));
            }
            Everyday.work(number);
        });
    }
}
