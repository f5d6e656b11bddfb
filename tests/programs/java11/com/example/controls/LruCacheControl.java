package com.example.controls;

import com.example.support.Checkpoint;
import java.util.LinkedHashMap;
import java.util.Map;

/** Not a leak: a cache that is full at the first checkpoint and stays full, with other entries each time. */
public final class LruCacheControl {
    private static final int MAX_ENTRIES = 2_000;

    static final class Lru extends LinkedHashMap<Integer, byte[]> {
        private static final long serialVersionUID = 1;

        Lru() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, byte[]> eldest) {
            return size() > MAX_ENTRIES;
        }
    }

    private final Lru thumbnails = new Lru();

    public static void main(String[] args) throws Exception {
        LruCacheControl control = new LruCacheControl();
        int image = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 2 * MAX_ENTRIES; i++, image++) {
                control.thumbnails.put(image, new byte[64 + image % 64]);
            }
            Checkpoint.reach();
        }
    }
}
