package org.example.headlines;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Headlines that were read are kept; the capacity beside them is that of the buffer they are read through. */
public final class Headlines {
    static final class Reader {
        private final int capacity = 65_536;
        private final byte[] buffer = new byte[capacity];
        private final List<String> seen = new ArrayList<>();

        void read(String headline) {
            byte[] bytes = headline.getBytes(java.nio.charset.StandardCharsets.UTF_8);
            System.arraycopy(bytes, 0, buffer, 0, bytes.length);
            seen.add(headline);
        }
    }

    private static final Reader READER = new Reader();

    public static void main(String[] args) throws Exception {
        Random random = new Random(302);
        Dumps.run(args, number -> {
            for (int i = 0; i < 6_000; i++) {
                READER.read("headline " + number + "." + i + " " + Everyday.text(random, 10));
            }
            Everyday.work(number);
        });
    }
}
