package org.example.gateway;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Handlers own thread locals in a pool, as in Routes. But 40 handlers are there at a time, and values go with them. */
public final class RemovedScratch {
    private static final int THREADS = 8;

    static final class Handler {
        private final ThreadLocal<Map<String, String>> scratch = new ThreadLocal<>();

        int handle(int seed) {
            if (scratch.get() == null) {
                scratch.set(Everyday.details(new Random(seed), 12));
            }
            return scratch.get().size();
        }
    }

    private static final Deque<Handler> HANDLERS = new ArrayDeque<>();
    private static final ExecutorService POOL = Executors.newFixedThreadPool(THREADS);

    private static void inAllThreads(Callable<Integer> work) throws InterruptedException {
        CyclicBarrier all = new CyclicBarrier(THREADS);
        POOL.invokeAll(Collections.nCopies(THREADS, () -> {
            all.await();
            return work.call();
        }));
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 60; i++) {
                int seed = 100 * number + i;
                Handler handler = new Handler();
                HANDLERS.addLast(handler);
                inAllThreads(() -> handler.handle(seed));
                if (HANDLERS.size() > 40) {
                    Handler old = HANDLERS.removeFirst();
                    inAllThreads(() -> {
                        old.scratch.remove();
                        return 0;
                    });
                }
            }
            Everyday.work(number);
        });
    }
}
