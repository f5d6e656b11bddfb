package org.example.workers;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A pool of threads grows to its 24 during three intervals. Each has a buffer of its own, as a thread local. */
public final class Workers {
    private static final ThreadLocal<byte[][]> BUFFER = ThreadLocal.withInitial(() -> new byte[40][4_096]);
    private static final ThreadPoolExecutor POOL =
            new ThreadPoolExecutor(24, 24, 1, TimeUnit.HOURS, new LinkedBlockingQueue<>());

    public static void main(String[] args) throws Exception {
        Random random = new Random(71);
        Dumps.run(args, number -> {
            int busy = Math.min(24, 8 * number);
            CountDownLatch all = new CountDownLatch(busy);
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < busy; i++) {
                byte seed = (byte) random.nextInt();
                done.add(POOL.submit(() -> {
                    BUFFER.get()[0][0] = seed;
                    all.countDown();
                    all.await();
                    return seed;
                }));
            }
            for (Future<?> task : done) {
                task.get();
            }
            Everyday.work(number);
        });
    }
}
