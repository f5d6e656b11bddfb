package org.example.sequencer;

import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each job waits for the one before; the first one waits for a device that never answers. */
public final class Sequencer {
    private static final CompletableFuture<String> DEVICE = new CompletableFuture<>();

    private CompletableFuture<String> last = DEVICE;

    public static void main(String[] args) throws Exception {
        Random random = new Random(209);
        Sequencer sequencer = new Sequencer();
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                String job = Everyday.text(random, 12);
                sequencer.last = sequencer.last.thenApply(done -> done + job);
            }
            Everyday.work(number);
        });
    }
}
