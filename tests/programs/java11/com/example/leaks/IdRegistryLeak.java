package com.example.leaks;

import com.example.support.Checkpoint;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A concurrent map keyed by request ids: entries are added for ever and looked up never again. */
public final class IdRegistryLeak {
    private final ConcurrentHashMap<UUID, Session> sessions = new ConcurrentHashMap<>();

    static final class Session {
        private final long opened;
        private final short region;
        private final boolean secure;

        Session(long opened) {
            this.opened = opened;
            this.region = (short) (opened % 7);
            this.secure = opened % 2 == 0;
        }
    }

    public static void main(String[] args) throws Exception {
        IdRegistryLeak registry = new IdRegistryLeak();
        long next = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 2_500; i++, next++) {
                // Not random: the same heap every time.
                registry.sessions.put(new UUID(next * 0x9E3779B97F4A7C15L, next), new Session(next));
            }
            Checkpoint.reach();
        }
    }
}
