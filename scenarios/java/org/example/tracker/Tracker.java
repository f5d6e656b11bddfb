package org.example.tracker;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Weak references say what to clean up after their objects. They are enqueued, and nobody polls the queue. */
public final class Tracker {
    static final class Tracked extends WeakReference<Object> {
        private final String resource;

        Tracked(Object object, String resource) {
            super(object, DEAD);
            this.resource = resource;
        }

        @Override
        public String toString() {
            return resource;
        }
    }

    private static final ReferenceQueue<Object> DEAD = new ReferenceQueue<>();
    private static final Set<Tracked> TRACKED = ConcurrentHashMap.newKeySet();

    public static void main(String[] args) throws Exception {
        Random random = new Random(212);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                TRACKED.add(new Tracked(new Object(), Everyday.text(random, 12)));
            }
            Everyday.work(number);
        });
    }
}
