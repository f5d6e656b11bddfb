package org.example.retry;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** All is well for half of the time. Then the other side goes away, and messages to it are parked for ever. */
public final class ParkedMessages {
    record Message(String to, String body, Map<String, String> headers) {}

    private static final Queue<Message> SENDING = new ArrayDeque<>();
    private static final List<Message> PARKED = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(26);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                SENDING.add(new Message("peer-" + i % 5, Everyday.text(random, 10), Everyday.details(random, 2)));
                if (SENDING.size() > 1_000) {
                    Message message = SENDING.remove();
                    if (number > Dumps.count() / 2) {
                        PARKED.add(message);
                    }
                }
            }
            Everyday.work(number);
        });
    }
}
