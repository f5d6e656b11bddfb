package org.example.tracing;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The threads of a pool keep the spans of their requests in a static thread local, which is never cleared. */
public final class Spans {
    record Span(String name, long nanos) {}

    private static final ThreadLocal<List<Span>> SPANS = ThreadLocal.withInitial(ArrayList::new);

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        Dumps.run(args, number -> {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 3_600; i++) {
                int request = i;
                done.add(pool.submit(() -> {
                    Random random = new Random(request);
                    SPANS.get().add(new Span(Everyday.text(random, 12) + request, random.nextInt()));
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
            Everyday.work(number);
        });
    }
}
