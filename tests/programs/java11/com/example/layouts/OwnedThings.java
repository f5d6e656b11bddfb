package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.IntSupplier;

/** Holds objects in many ways, and the same ones in every run: maps, queues, lambdas, listeners, thread locals. */
public final class OwnedThings {
    private static final int THREADS = 4;

    private static final Map<String, Session> SESSIONS = new ConcurrentHashMap<>();
    private static final LinkedBlockingQueue<Order> BACKLOG = new LinkedBlockingQueue<>();
    private static final Map<Long, byte[]> RECENT = new LinkedHashMap<>();
    private static final List<IntSupplier> CALLBACKS = new ArrayList<>();
    private static final ThreadLocal<Scratch> SCRATCH = new ThreadLocal<>();
    private static final OwnedThings MODEL = new OwnedThings();
    private static final ExecutorService POOL = Executors.newFixedThreadPool(THREADS);

    private final List<Listener> listeners = new ArrayList<>();
    private Order chain;

    static final class Session {
        private final String user;
        private final long[] visits = new long[6];

        Session(String user) {
            this.user = user;
        }
    }

    static final class Order {
        private final byte[] payload = new byte[40];
        private Order next;
    }

    static final class Scratch {
        private final char[] buffer = new char[500];
    }

    final class Listener {
        private final int[] seen = new int[10];
    }

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < 2_000; i++) {
            Session session = new Session("user " + i);
            SESSIONS.put("session " + i, session);
        }
        for (int i = 0; i < 300; i++) {
            BACKLOG.add(new Order());
            RECENT.put(1_000_000L + i, new byte[32]);
            int[] captured = new int[20];
            CALLBACKS.add(() -> captured.length);
            MODEL.listeners.add(MODEL.new Listener());
            Order order = new Order();
            order.next = MODEL.chain;
            MODEL.chain = order;
        }
        CyclicBarrier all = new CyclicBarrier(THREADS);
        List<Future<?>> tasks = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            tasks.add(POOL.submit(() -> {
                SCRATCH.set(new Scratch());
                return all.await();
            }));
        }
        for (Future<?> task : tasks) {
            task.get();
        }
        // Threads of the pool wait for their next task when the last ones have been told.
        Thread.sleep(100);
        Checkpoint.reach();
        POOL.shutdownNow();
    }
}
