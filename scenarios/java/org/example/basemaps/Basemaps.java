package org.example.basemaps;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Tiles of maps are held softly, in a map by which they are found; those that were cleared leave it. */
public final class Basemaps {
    static final class Tile {
        private final int[] pixels = new int[64];
    }

    static final class Ref extends SoftReference<Tile> {
        private final long key;

        Ref(long key, Tile tile, ReferenceQueue<Tile> cleared) {
            super(tile, cleared);
            this.key = key;
        }
    }

    private static final Map<Long, Ref> TILES = new ConcurrentHashMap<>();
    private static final ReferenceQueue<Tile> CLEARED = new ReferenceQueue<>();

    private static void tile(long key) {
        for (Reference<?> old = CLEARED.poll(); old != null; old = CLEARED.poll()) {
            TILES.remove(((Ref) old).key, old);
        }
        TILES.computeIfAbsent(key, number -> new Ref(number, new Tile(), CLEARED));
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                tile(number * 3_000L + i);
            }
            Everyday.work(number);
        });
    }
}
