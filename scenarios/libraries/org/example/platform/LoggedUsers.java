package org.example.platform;

import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.slf4j.MDC;

/** Logback's MDC in a pool thread: a key for each request, never cleared. */
public final class LoggedUsers {
    public static void main(String[] args) {
        ExecutorService pool = Executors.newSingleThreadExecutor();
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            pool.submit(() -> {
                for (int request = 0; request < 800; request++) {
                    MDC.put("request " + number + "." + request, Everyday.text(random, 20));
                }
            }).get();
        });
    }
}
