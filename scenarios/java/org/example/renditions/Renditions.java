package org.example.renditions;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A cache that counts the bytes in it and drops the oldest beyond 64 MB. There are 15 MB at the last dump. */
public final class Renditions {
    static final class ByteCache {
        private final Map<String, byte[]> renditions = new LinkedHashMap<>();
        private final long maxBytes;
        private long bytes;

        ByteCache(long maxBytes) {
            this.maxBytes = maxBytes;
        }

        void put(String name, byte[] rendition) {
            renditions.put(name, rendition);
            bytes += rendition.length;
            var eldest = renditions.values().iterator();
            while (bytes > maxBytes) {
                bytes -= eldest.next().length;
                eldest.remove();
            }
        }
    }

    private static final ByteCache CACHE = new ByteCache(64 << 20);

    public static void main(String[] args) throws Exception {
        Random random = new Random(226);
        Dumps.run(args, number -> {
            for (int i = 0; i < 600; i++) {
                byte[] rendition = new byte[3_000 + random.nextInt(2_000)];
                random.nextBytes(rendition);
                CACHE.put("rendition-" + number + "." + i, rendition);
            }
            Everyday.work(number);
        });
    }
}
