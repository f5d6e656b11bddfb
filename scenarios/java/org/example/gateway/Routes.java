package org.example.gateway;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each handler has a thread local of its own, the threads of the pool live for ever, handlers too. */
public final class Routes {
    private static final int THREADS = 8;

    static final class Scratch {
        private final byte[] buffer = new byte[2_048];
        private final Map<String, String> headers = Everyday.details(new Random(1), 5);
    }

    static final class Handler {
        private final String path;
        private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

        Handler(String path) {
            this.path = path;
        }

        int handle(byte seed) {
            Scratch mine = scratch.get();
            mine.buffer[0] = seed;
            return mine.headers.size() + path.length();
        }
    }

    private static final List<Handler> HANDLERS = new ArrayList<>();
    private static final ExecutorService POOL = Executors.newFixedThreadPool(THREADS);

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 50; i++) {
                Handler handler = new Handler("/v" + number + "/route-" + i);
                HANDLERS.add(handler);
                CyclicBarrier all = new CyclicBarrier(THREADS);
                Callable<Integer> request = () -> {
                    all.await();
                    return handler.handle((byte) number);
                };
                POOL.invokeAll(Collections.nCopies(THREADS, request));
            }
            Everyday.work(number);
        });
    }
}
