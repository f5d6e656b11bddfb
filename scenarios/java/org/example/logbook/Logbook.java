package org.example.logbook;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The last 10,000 lines of a log in a ring: full in three intervals, then the oldest line goes for each new one. */
public final class Logbook {
    record Line(long time, String level, String text) {}

    static final class Ring {
        private final Line[] lines = new Line[10_000];
        private long written;

        void write(Line line) {
            lines[(int) (written++ % lines.length)] = line;
        }
    }

    private static final Ring RING = new Ring();

    public static void main(String[] args) throws Exception {
        Random random = new Random(58);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                String text = Everyday.text(random, 12 + random.nextInt(12));
                RING.write(new Line(1_000L * i, i % 20 == 0 ? "WARN" : "INFO", text));
            }
            Everyday.work(number);
        });
    }
}
