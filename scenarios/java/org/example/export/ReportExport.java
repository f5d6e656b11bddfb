package org.example.export;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Two threads wait for a printer that does not answer; reports queue up behind them without a limit. */
public final class ReportExport {
    record Report(String title, Map<String, String> parameters) {}

    private static final ExecutorService POOL = Executors.newFixedThreadPool(2);

    public static void main(String[] args) throws Exception {
        Random random = new Random(16);
        CountDownLatch printer = new CountDownLatch(1);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_000; i++) {
                Report report = new Report("report " + number + "." + i, Everyday.details(random, 3));
                POOL.execute(() -> {
                    try {
                        printer.await();
                        System.out.println(report);
                    } catch (InterruptedException stop) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
            Everyday.work(number);
        });
    }
}
