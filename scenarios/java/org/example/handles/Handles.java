package org.example.handles;

import java.lang.ref.Cleaner;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Handles are freed by a cleaner, whose thread waits for a device. What comes after waits for the cleaner. */
public final class Handles {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final CountDownLatch DEVICE = new CountDownLatch(1);

    record Release(byte[] block) implements Runnable {
        @Override
        public void run() {
            try {
                DEVICE.await();
                System.err.println("released " + block.length);
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(211);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_000; i++) {
                byte[] block = new byte[700];
                random.nextBytes(block);
                CLEANER.register(new Object(), new Release(block));
            }
            Everyday.work(number);
        });
    }
}
