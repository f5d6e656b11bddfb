package org.example.platform;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A virtual thread for each order, which waits for a reply that never comes. */
public final class Waiting {
    private static final CountDownLatch REPLIES = new CountDownLatch(1);
    private static final ExecutorService ORDERS = Executors.newVirtualThreadPerTaskExecutor();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int order = 0; order < 600; order++) {
                Map<String, String> details = Everyday.details(random, 6);
                ORDERS.execute(() -> await(details));
            }
            Thread.sleep(300);
        });
    }

    private static void await(Map<String, String> details) {
        try {
            REPLIES.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        details.clear();
    }
}
