package org.example.gateway;

import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each request schedules its timeout and cancels it. Cancelled tasks stay queued until their time has come. */
public final class Timeouts {
    private static final ScheduledThreadPoolExecutor SCHEDULER = new ScheduledThreadPoolExecutor(2);

    static int serve(String request) {
        Future<?> timeout = SCHEDULER.schedule(() -> System.err.println("timeout: " + request), 12, TimeUnit.HOURS);
        int answer = request.hashCode();
        timeout.cancel(false);
        return answer;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(14);
        Dumps.run(args, number -> {
            for (int i = 0; i < 12_000; i++) {
                serve("request " + number + "." + i + " " + random.nextInt());
            }
            Everyday.work(number);
        });
    }
}
