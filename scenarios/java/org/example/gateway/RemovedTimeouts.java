package org.example.gateway;

import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Timeouts that are cancelled leave their queue at once. Some requests are still waiting at each dump. */
public final class RemovedTimeouts {
    record Request(String path, byte[] body) {}

    private static final ScheduledThreadPoolExecutor SCHEDULER = new ScheduledThreadPoolExecutor(2);

    public static void main(String[] args) throws Exception {
        Random random = new Random(81);
        SCHEDULER.setRemoveOnCancelPolicy(true);
        Future<?>[] waiting = new Future<?>[3_000];
        Dumps.run(args, number -> {
            for (int i = 0; i < 12_000; i++) {
                Request request = new Request("/page/" + number + "." + i, new byte[200 + random.nextInt(400)]);
                int slot = random.nextInt(waiting.length);
                if (waiting[slot] != null) {
                    waiting[slot].cancel(false);
                }
                Runnable timeout = () -> System.err.println("timeout: " + request);
                waiting[slot] = SCHEDULER.schedule(timeout, 12, TimeUnit.HOURS);
            }
            Everyday.work(number);
        });
    }
}
