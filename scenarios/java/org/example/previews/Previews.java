package org.example.previews;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache with a weight that nobody looks at: its entries weigh more than it may hold. */
public final class Previews {
    static final class Cache {
        private final long maximumWeight;
        private long weight;
        private final Map<String, byte[]> images = new HashMap<>();

        Cache(long maximumWeight) {
            this.maximumWeight = maximumWeight;
        }

        void put(String name, byte[] image) {
            images.put(name, image);
            weight += image.length;
        }

        boolean isFull() {
            return weight > maximumWeight;
        }
    }

    private static final Cache CACHE = new Cache(2_000_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(305);
        Dumps.run(args, number -> {
            for (int i = 0; i < 300; i++) {
                CACHE.put("image-" + number + "." + i, new byte[2_000 + random.nextInt(4_000)]);
            }
            CACHE.isFull();
            Everyday.work(number);
        });
    }
}
