package org.example.feed;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Much garbage, and a window of the last 5,000 messages with texts of any length. */
public final class Steady {
    record Message(String author, String text, Map<String, String> headers) {}

    private static final Deque<Message> WINDOW = new ArrayDeque<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(68);
        Dumps.run(args, number -> {
            for (int i = 0; i < 40_000; i++) {
                String text = Everyday.text(random, 2 + random.nextInt(20));
                WINDOW.addLast(new Message("author-" + i % 700, text, Everyday.details(random, 2)));
                if (WINDOW.size() > 5_000) {
                    WINDOW.removeFirst();
                }
            }
            Everyday.work(number);
        });
    }
}
