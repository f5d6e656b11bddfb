package org.example.rendering;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A pool whose threads become more with the load, up to its maximum; each has a buffer of its own. */
public final class Rendering {
    private static final ThreadLocal<int[]> BUFFER = ThreadLocal.withInitial(() -> new int[20_000]);
    private static final AtomicInteger THREADS = new AtomicInteger();
    private static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(
            4, 120, 1, TimeUnit.HOURS, new SynchronousQueue<>(), Rendering::thread);

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "render-" + THREADS.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    }

    private static void render(int frames) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(frames);
        CountDownLatch end = new CountDownLatch(1);
        for (int i = 0; i < frames; i++) {
            POOL.execute(() -> {
                BUFFER.get()[0]++;
                begun.countDown();
                try {
                    end.await();
                } catch (InterruptedException stop) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        begun.await();
        end.countDown();
        Thread.sleep(100);
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            render(12 * number);
            Everyday.work(number);
        });
    }
}
