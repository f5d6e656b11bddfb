package org.example.replies;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Requests that wait for their reply, at most 64,000 as permits are handed out. More wait at each dump. */
public final class Replies {
    record Waiting(String request) {}

    private static final int MAX_IN_FLIGHT = Integer.parseInt("64000");
    private static final Map<String, Waiting> IN_FLIGHT = new ConcurrentHashMap<>();
    private static final Semaphore PERMITS = new Semaphore(MAX_IN_FLIGHT);

    public static void main(String[] args) throws Exception {
        Random random = new Random(236);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                if (PERMITS.tryAcquire()) {
                    IN_FLIGHT.put("request-" + number + "." + i, new Waiting(Everyday.text(random, 14)));
                }
            }
            Everyday.work(number);
        });
    }
}
