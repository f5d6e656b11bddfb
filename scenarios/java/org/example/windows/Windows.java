package org.example.windows;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Counts by host, in 24 windows of time: a ring of which a quarter is used at the last dump. */
public final class Windows {
    static final class Window {
        private final Map<String, long[]> counts = new HashMap<>();
    }

    private final Window[] windows = new Window[24];

    private static final Windows WINDOWS = new Windows();

    public static void main(String[] args) throws Exception {
        Random random = new Random(228);
        Dumps.run(args, number -> {
            Window window = new Window();
            for (int host = 0; host < 1_500; host++) {
                window.counts.put("host-" + host + Everyday.text(random, 1), new long[16]);
            }
            WINDOWS.windows[number % WINDOWS.windows.length] = window;
            Everyday.work(number);
        });
    }
}
