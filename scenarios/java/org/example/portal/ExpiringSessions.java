package org.example.portal;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Sessions expire after three intervals: as many come as before, the map grows for half of the dumps, then no more. */
public final class ExpiringSessions {
    record Session(String user, int started, Map<String, String> attributes) {}

    private static final Map<String, Session> SESSIONS = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(55);
        Dumps.run(args, number -> {
            SESSIONS.values().removeIf(session -> session.started() <= number - Dumps.count() / 2);
            for (int i = 0; i < 3_000; i++) {
                String id = Long.toHexString(random.nextLong());
                SESSIONS.put(id, new Session("user-" + i % 900, number, Everyday.details(random, 3)));
            }
            Everyday.work(number);
        });
    }
}
