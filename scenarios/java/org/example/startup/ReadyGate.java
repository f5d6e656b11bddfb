package org.example.startup;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Requests wait for a future that nobody completes; it keeps what each of them would do then. */
public final class ReadyGate {
    record Request(String path, Map<String, String> headers) {}

    private static final CompletableFuture<String> READY = new CompletableFuture<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(35);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                Request request = new Request("/page/" + number + "." + i, Everyday.details(random, 3));
                READY.thenAccept(state -> System.out.println(state + request));
            }
            Everyday.work(number);
        });
    }
}
