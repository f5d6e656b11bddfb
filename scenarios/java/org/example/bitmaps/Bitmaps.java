package org.example.bitmaps;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An object pool: what was lent comes back and is lent again, at most 512 at once. More are made while the load rises. */
public final class Bitmaps {
    static final class BitmapPool {
        private final List<int[]> free = new ArrayList<>();
        private final List<int[]> lent = new ArrayList<>();
        private final int capacity;

        BitmapPool(int capacity) {
            this.capacity = capacity;
        }

        int[] lend() {
            if (free.isEmpty() && lent.size() < capacity) {
                free.add(new int[2_000]);
            }
            int[] bitmap = free.remove(free.size() - 1);
            lent.add(bitmap);
            return bitmap;
        }

        void giveBack() {
            free.addAll(lent);
            lent.clear();
        }
    }

    private static final BitmapPool POOL = new BitmapPool(512);

    public static void main(String[] args) throws Exception {
        Random random = new Random(308);
        Dumps.run(args, number -> {
            POOL.giveBack();
            for (int i = 0; i < 40 * number; i++) {
                POOL.lend()[random.nextInt(2_000)] = number;
            }
            Everyday.work(number);
        });
    }
}
