package org.example.watchdogs;

import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each client gets a task that runs for ever; none is cancelled when the client goes. The pool is a field of an object. */
public final class Watchdogs {
    static final class Monitor {
        private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);

        void watch(String client) {
            scheduler.scheduleAtFixedRate(() -> client.length(), 7, 7, TimeUnit.DAYS);
        }
    }

    private final Monitor monitor = new Monitor();
    private static final Watchdogs WATCHDOGS = new Watchdogs();

    public static void main(String[] args) throws Exception {
        Random random = new Random(303);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                WATCHDOGS.monitor.watch(Everyday.text(random, 12) + i);
            }
            Everyday.work(number);
        });
    }
}
