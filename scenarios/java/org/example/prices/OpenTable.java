package org.example.prices;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A hash table of one's own, with open addressing, made large enough at first. Its keys are never used again. */
public final class OpenTable {
    record Price(String article, long cents) {}

    static final class Table {
        private final Price[] slots;
        private int size;

        Table(int capacity) {
            slots = new Price[capacity];
        }

        void put(Price price) {
            int at = (price.hashCode() & Integer.MAX_VALUE) % slots.length;
            while (slots[at] != null) {
                at = (at + 1) % slots.length;
            }
            slots[at] = price;
            if (++size > slots.length / 2) {
                throw new IllegalStateException();
            }
        }
    }

    private static final Table PRICES = new Table(131_071);

    public static void main(String[] args) throws Exception {
        Random random = new Random(213);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                PRICES.put(new Price("request-" + number + "." + i + Everyday.text(random, 8), random.nextInt()));
            }
            Everyday.work(number);
        });
    }
}
