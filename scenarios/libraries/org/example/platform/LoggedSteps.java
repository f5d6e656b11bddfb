package org.example.platform;

import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.logging.log4j.ThreadContext;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Log4j's context stack in a pool thread: steps are pushed and never popped. */
public final class LoggedSteps {
    public static void main(String[] args) {
        ExecutorService pool = Executors.newSingleThreadExecutor();
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            pool.submit(() -> {
                for (int step = 0; step < 3_000; step++) {
                    ThreadContext.push(Everyday.text(random, 12));
                }
            }).get();
        });
    }
}
