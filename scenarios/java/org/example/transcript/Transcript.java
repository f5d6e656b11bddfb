package org.example.transcript;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A protocol of all that was said, in one StringBuilder. */
public final class Transcript {
    private static final Transcript SESSION = new Transcript();

    private final StringBuilder text = new StringBuilder();

    public static void main(String[] args) throws Exception {
        Random random = new Random(206);
        Dumps.run(args, number -> {
            for (int i = 0; i < 14_000; i++) {
                SESSION.text.append(Everyday.text(random, 8)).append('\n');
            }
            Everyday.work(number);
        });
    }
}
