package org.example.thumbnails;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Pictures are held softly and grow while there is room; the JVM drops them before it runs out of memory. */
public final class Thumbnails {
    static final class Picture extends SoftReference<byte[]> {
        private final String path;

        Picture(String path, byte[] pixels, ReferenceQueue<byte[]> dropped) {
            super(pixels, dropped);
            this.path = path;
        }
    }

    private static final Map<String, Picture> PICTURES = new HashMap<>();
    private static final ReferenceQueue<byte[]> DROPPED = new ReferenceQueue<>();

    static void add(String path, byte[] pixels) {
        for (Reference<?> gone = DROPPED.poll(); gone != null; gone = DROPPED.poll()) {
            PICTURES.remove(((Picture) gone).path);
        }
        PICTURES.put(path, new Picture(path, pixels, DROPPED));
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(59);
        Dumps.run(args, number -> {
            for (int i = 0; i < 60; i++) {
                add("picture-" + number + "." + i, new byte[24_000 + random.nextInt(8_000)]);
            }
            Everyday.work(number);
        });
    }
}
