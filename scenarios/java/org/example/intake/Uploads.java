package org.example.intake;

import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A queue with a bound of 40,000 grows by some thousands an interval. It is half full at the last dump. */
public final class Uploads {
    record Upload(String name, String owner, byte[] digest) {}

    private static final BlockingQueue<Upload> WAITING = new LinkedBlockingQueue<>(40_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(53);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_000; i++) {
                WAITING.offer(new Upload("upload-" + number + "." + i, Everyday.text(random, 2), new byte[32]));
                if (i % 3 == 0) {
                    WAITING.poll();
                }
            }
            Everyday.work(number);
        });
    }
}
