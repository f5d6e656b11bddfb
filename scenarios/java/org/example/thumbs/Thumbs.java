package org.example.thumbs;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache bounded by weight: that of its entries is in a field beside the limit. */
public final class Thumbs {
    static final class Cache {
        private final long maximumWeight;
        private long weight;
        private final Map<String, byte[]> images = new HashMap<>();

        Cache(long maximumWeight) {
            this.maximumWeight = maximumWeight;
        }

        void put(String name, byte[] image) {
            if (weight + image.length > maximumWeight) {
                images.clear();
                weight = 0;
            }
            images.put(name, image);
            weight += image.length;
        }
    }

    private static final Cache CACHE = new Cache(20_000_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(304);
        Dumps.run(args, number -> {
            for (int i = 0; i < 300; i++) {
                CACHE.put("image-" + number + "." + i, new byte[2_000 + random.nextInt(4_000)]);
            }
            Everyday.work(number);
        });
    }
}
