package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/** Unmounted virtual threads whose frames alone hold objects; some threads are in an executor, some by themselves. */
public final class VirtualThreads {
    private static final int ALONE = 20;
    private static final int IN_EXECUTOR = 15;

    static final class Session {
        private final byte[] buffer;
        private final boolean open;

        Session(int size) {
            buffer = new byte[size];
            open = true;
        }
    }

    private static final CountDownLatch REACHED_THE_BOTTOM = new CountDownLatch(ALONE + IN_EXECUTOR);
    private static final List<Thread> THREADS = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < ALONE; i++) {
            int number = i;
            THREADS.add(Thread.ofVirtual().name("session-", i).start(() -> descend(number, number % 7)));
        }
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < IN_EXECUTOR; i++) {
                int number = i;
                executor.submit(() -> descend(100 + number, 3));
            }
            REACHED_THE_BOTTOM.await();
            for (Thread thread : THREADS) {
                // Counted down is not parked yet, and a dump wants all of them unmounted.
                while (thread.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
            }
            Thread.sleep(100);
            Checkpoint.reach();
            executor.shutdownNow();
        }
    }

    private static long descend(int number, int depth) {
        Session session = new Session(64 + number);
        double sum = number * 0.5;
        if (depth > 0) {
            return descend(number, depth - 1) + session.buffer.length + (long) sum;
        }
        REACHED_THE_BOTTOM.countDown();
        while (session.open && !Thread.currentThread().isInterrupted()) {
            LockSupport.park();
        }
        return session.buffer.length + (long) sum;
    }
}
