package org.example.outbox;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Rows are sent in batches of 40,000. The first batch is not full yet at the last dump. */
public final class Outbox {
    static final class Batch {
        private final int batchSize;
        private final List<String> rows = new ArrayList<>();

        Batch(int batchSize) {
            this.batchSize = batchSize;
        }

        void add(String row) {
            rows.add(row);
            if (rows.size() >= batchSize) {
                rows.clear();
            }
        }
    }

    private static final Batch BATCH = new Batch(40_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(227);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                BATCH.add(Everyday.text(random, 14) + number + "." + i);
            }
            Everyday.work(number);
        });
    }
}
