package org.example.chat;

import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each of 200 users has a queue of messages. Most users never come back to read theirs. */
public final class Mailboxes {
    record Message(String from, String text) {}

    private static final Map<String, Queue<Message>> BY_USER = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(203);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                Message message = new Message("user-" + random.nextInt(200), Everyday.text(random, 12));
                BY_USER.computeIfAbsent("user-" + i % 200, user -> new ConcurrentLinkedQueue<>()).add(message);
            }
            for (int user = 0; user < 20; user++) {
                BY_USER.get("user-" + user).clear();
            }
            Everyday.work(number);
        });
    }
}
