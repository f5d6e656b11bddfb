package org.example.mail;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A thread for each mailbox, which does not end when the user logs out. What threads hold is on their stacks. */
public final class Polling {
    private static final CountDownLatch LOGOUT = new CountDownLatch(1);

    static void poll(int user) {
        Random random = new Random(user);
        List<String> mails = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            mails.add(Everyday.text(random, 20));
        }
        try {
            LOGOUT.await();
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
        System.out.println(mails.size());
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 40; i++) {
                int user = 100 * number + i;
                Thread thread = new Thread(() -> poll(user), "mailbox-" + user);
                thread.setDaemon(true);
                thread.start();
                while (thread.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
            }
            Everyday.work(number);
        });
    }
}
