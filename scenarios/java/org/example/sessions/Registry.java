package org.example.sessions;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Sessions up to a limit that the servlet container was given: the registry refuses more. A third at the last dump. */
public final class Registry {
    static final class Limits {
        private final int maxActiveSessions = Integer.parseInt("50000");
        private final int timeoutSeconds = 1_800;
    }

    record Session(String user, String agent) {}

    static final class SessionManager {
        private final Map<String, Session> active = new ConcurrentHashMap<>();
        private final Limits limits = new Limits();

        void open(String id, Session session) {
            if (active.size() < limits.maxActiveSessions && limits.timeoutSeconds > 0) {
                active.put(id, session);
            }
        }
    }

    private static final SessionManager MANAGER = new SessionManager();

    public static void main(String[] args) throws Exception {
        Random random = new Random(307);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                MANAGER.open("id-" + number + "." + i, new Session(Everyday.text(random, 4), Everyday.text(random, 8)));
            }
            Everyday.work(number);
        });
    }
}
