package com.example.leaks;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A thread-local of pool threads: what a request adds is never removed, and the threads live for ever. */
public final class ThreadLocalLeak {
    private static final ThreadLocal<List<AuditEvent>> AUDIT_TRAIL = ThreadLocal.withInitial(ArrayList::new);

    static final class AuditEvent {
        private final long request;
        private final String action;
        private final byte[] payload = new byte[48];

        AuditEvent(long request) {
            this.request = request;
            this.action = "GET /orders/" + request;
        }
    }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        long request = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                long id = request++;
                running.add(pool.submit(() -> AUDIT_TRAIL.get().add(new AuditEvent(id))));
            }
            for (Future<?> task : running) {
                task.get();
            }
            running.clear();
            Checkpoint.reach();
        }
        pool.shutdownNow();
    }
}
