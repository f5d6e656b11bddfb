package org.example.intake;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A bounded queue whose consumer is slow: full in the third interval, then what comes is refused. */
public final class Intake {
    record Form(String id, Map<String, String> fields) {}

    private static final BlockingQueue<Form> FORMS = new ArrayBlockingQueue<>(6_000);
    private static int refused;

    public static void main(String[] args) throws Exception {
        Random random = new Random(52);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                if (!FORMS.offer(new Form("form-" + number + "." + i, Everyday.details(random, 4)))) {
                    refused++;
                }
                if (i % 3 == 0) {
                    FORMS.poll();
                }
            }
            Everyday.work(number);
        });
    }
}
