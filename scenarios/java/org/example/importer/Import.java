package org.example.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.SynchronousQueue;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An import that never ends collects what it has imported in a local variable, for a summary at the end. */
public final class Import {
    record Row(String key, String[] columns) {}

    static void collect(BlockingQueue<List<Row>> batches) {
        List<Row> imported = new ArrayList<>();
        try {
            while (true) {
                imported.addAll(batches.take());
            }
        } catch (InterruptedException stop) {
            System.out.println(imported.size() + " rows");
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(33);
        BlockingQueue<List<Row>> batches = new SynchronousQueue<>();
        Thread thread = new Thread(() -> collect(batches), "import");
        thread.setDaemon(true);
        thread.start();
        Dumps.run(args, number -> {
            List<Row> batch = new ArrayList<>();
            for (int i = 0; i < 3_000; i++) {
                String[] columns = {Everyday.text(random, 2), Everyday.text(random, 5), Everyday.text(random, 3)};
                batch.add(new Row("row-" + number + "." + i, columns));
            }
            batches.put(batch);
            while (thread.getState() != Thread.State.WAITING) {
                Thread.sleep(1);
            }
            Everyday.work(number);
        });
    }
}
