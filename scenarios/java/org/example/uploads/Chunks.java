package org.example.uploads;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Parts of uploads that were broken off stay in a map. Beside it are many numbers, of other things. */
public final class Chunks {
    private static final int MAX_USERS = Integer.parseInt("100000");
    private static final int PAGE_SIZE = Integer.parseInt("65536");

    static final class Store {
        private final Map<String, byte[]> parts = new HashMap<>();
        private final int bufferSize = Integer.parseInt("131072");
        private final int maxConnections = Integer.parseInt("50000");
        private final long maxWaitMillis = Long.parseLong("600000");
        private final int initialCapacity = Integer.parseInt("100000");
        private int size;

        void add(String name, byte[] part) {
            parts.put(name, part);
            size = parts.size();
        }
    }

    private static final Store STORE = new Store();

    public static void main(String[] args) throws Exception {
        Random random = new Random(301);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                STORE.add("upload-" + number + "." + i, Everyday.text(random, 30).getBytes());
            }
            Everyday.work(number);
        });
    }
}
