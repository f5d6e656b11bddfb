package org.example.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each job adds a shutdown hook that would clean up after it; the hook stays when the job is done. */
public final class Spooler {
    static final class Job {
        private final List<String> pages = new ArrayList<>();

        Job(Random random) {
            for (int i = 0; i < 20; i++) {
                pages.add(Everyday.text(random, 8));
            }
        }

        void run() {
            Runnable cleanUp = () -> System.err.println("removing " + pages.size() + " pages");
            Runtime.getRuntime().addShutdownHook(new Thread(cleanUp));
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(31);
        Dumps.run(args, number -> {
            for (int i = 0; i < 400; i++) {
                new Job(random).run();
            }
            Everyday.work(number);
        });
    }
}
