package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** Named platform threads that park with objects held by nothing but the locals of their frames. */
public final class PlatformThreads {
    private final CountDownLatch parked;

    static final class OnlyOnTheStack {
        private final int[] work;
        private final byte depth;

        OnlyOnTheStack(int size, int depth) {
            this.work = new int[size];
            this.depth = (byte) depth;
        }
    }

    static final class RequestThread extends Thread {
        private final short port;
        private boolean secure;

        RequestThread(ThreadGroup group, Runnable body, String name, int port) {
            super(group, body, name);
            this.port = (short) port;
        }
    }

    private PlatformThreads(int threads) {
        parked = new CountDownLatch(threads);
    }

    public static void main(String[] args) throws Exception {
        int threads = 12;
        PlatformThreads program = new PlatformThreads(threads);
        ThreadGroup group = new ThreadGroup("request threads");
        for (int i = 0; i < threads; i++) {
            int number = i;
            Thread thread = new RequestThread(group, () -> program.descend(number, 5), "request-" + i, 8_000 + i);
            thread.setDaemon(true);
            thread.start();
        }
        program.parked.await();
        Checkpoint.reach();
    }

    private int descend(int number, int depth) {
        OnlyOnTheStack local = new OnlyOnTheStack(number + depth, depth);
        if (depth > 0) {
            return descend(number, depth - 1) + local.work.length;
        }
        parked.countDown();
        synchronized (local) {
            while (local.depth == 0) {
                LockSupport.park(local);
            }
        }
        return local.work.length;
    }
}
