package org.example.audit;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The context of log lines, a map by thread. What is put there by each job is never removed. */
public final class LogContext {
    private static final InheritableThreadLocal<Map<String, String>> CONTEXT = new InheritableThreadLocal<>() {
        @Override
        protected Map<String, String> childValue(Map<String, String> parent) {
            return new HashMap<>(parent);
        }
    };
    private static final ExecutorService JOBS = Executors.newSingleThreadExecutor(job -> new Thread(job, "jobs"));

    static void put(String key, String value) {
        CONTEXT.get().put(key, value);
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(21);
        CONTEXT.set(new HashMap<>(Map.of("host", "web-1")));
        Dumps.run(args, number -> {
            JOBS.submit(() -> {
                for (int i = 0; i < 6_000; i++) {
                    put("job-" + number + "." + i, Everyday.text(random, 8));
                }
            }).get();
            Everyday.work(number);
        });
    }
}
