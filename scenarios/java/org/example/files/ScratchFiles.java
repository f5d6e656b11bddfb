package org.example.files;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Files are flushed when they are finalized. One flush waits for a disk, and all the others wait for it. */
public final class ScratchFiles {
    private static final CountDownLatch DISK = new CountDownLatch(1);

    static final class ScratchFile {
        private final String name;
        private final byte[] block = new byte[1_024];

        ScratchFile(String name, Random random) {
            this.name = name;
            random.nextBytes(block);
        }

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws InterruptedException {
            DISK.await();
            System.err.println("flushed " + name + " " + block[0]);
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(18);
        Dumps.run(args, number -> {
            for (int i = 0; i < 1_500; i++) {
                new ScratchFile("scratch-" + number + "." + i, random);
            }
            Everyday.work(number);
        });
    }
}
