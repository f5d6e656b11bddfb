package org.example.receiver;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.example.structures.ChainedMap;

/** What was received, by batch, in maps of one's own in a map of one's own; batches are never taken out. */
public final class Blocks {
    record Batch(long millis) {}

    record Block(int source, long records, ChainedMap<String, Object> details) {}

    record Received(ChainedMap<Integer, Block> bySource) {}

    static final class Tracker {
        private final ChainedMap<Batch, Received> received = new ChainedMap<>();
        private final ChainedMap<Integer, String> sources = new ChainedMap<>();

        Tracker() {
            for (int source = 0; source < 16; source++) {
                sources.put(source, "source-" + source);
            }
        }
    }

    private static final Tracker TRACKER = new Tracker();

    private static Block block(Random random, int source) {
        ChainedMap<String, Object> details = new ChainedMap<>();
        details.put("file", "part-" + Everyday.text(random, 4));
        details.put("offset", random.nextLong());
        return new Block(source, random.nextInt(), details);
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(771);
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 150; batch++) {
                ChainedMap<Integer, Block> blocks = new ChainedMap<>();
                for (int source = 0; source < 16; source++) {
                    blocks.put(source, block(random, source));
                }
                TRACKER.received.put(new Batch(1_000L * number + batch), new Received(blocks));
            }
            Everyday.work(number);
        });
    }
}
