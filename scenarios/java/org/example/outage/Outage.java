package org.example.outage;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The other side is away for three intervals, then comes back, and the backlog goes down again. */
public final class Outage {
    record Message(String body, Map<String, String> headers) {}

    private static final Queue<Message> BACKLOG = new ArrayDeque<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(73);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                BACKLOG.add(new Message(Everyday.text(random, 8), Everyday.details(random, 2)));
            }
            int sent = number == 1 || number > Dumps.count() - 2 ? 9_000 : 500;
            for (int i = 0; i < sent && BACKLOG.size() > 300; i++) {
                BACKLOG.remove();
            }
            Everyday.work(number);
        });
    }
}
