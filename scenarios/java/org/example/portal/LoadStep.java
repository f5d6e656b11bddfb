package org.example.portal;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Twice as many users from the fourth interval on. Their sessions come and go, a few more or less each time. */
public final class LoadStep {
    record Session(String user, Map<String, String> attributes) {}

    private static final Map<String, Session> SESSIONS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(56);
        Dumps.run(args, number -> {
            Iterator<Session> each = SESSIONS.values().iterator();
            while (each.hasNext()) {
                each.next();
                if (random.nextInt(3) > 0) {
                    each.remove();
                }
            }
            int users = (number <= Dumps.count() / 2 ? 5_000 : 10_000) + random.nextInt(300);
            while (SESSIONS.size() < users) {
                String id = Long.toHexString(random.nextLong());
                SESSIONS.put(id, new Session("user-" + random.nextInt(2_000), Everyday.details(random, 3)));
            }
            Everyday.work(number);
        });
    }
}
