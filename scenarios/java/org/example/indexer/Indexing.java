package org.example.indexer;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Documents are indexed in a fork-join pool whose two workers wait; submissions pile up. */
public final class Indexing {
    record Document(String id, String title, String body) {}

    private static final ForkJoinPool WORKERS = new ForkJoinPool(2);

    public static void main(String[] args) throws Exception {
        Random random = new Random(23);
        CountDownLatch store = new CountDownLatch(1);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                String id = "doc-" + number + "." + i;
                Document document = new Document(id, Everyday.text(random, 3), Everyday.text(random, 30));
                WORKERS.execute(() -> {
                    try {
                        store.await();
                        System.out.println(document);
                    } catch (InterruptedException stop) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
            Everyday.work(number);
        });
    }
}
