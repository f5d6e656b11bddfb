package com.example.controls;

import com.example.support.Checkpoint;
import java.util.ArrayDeque;

/** Not a leak: much is allocated between checkpoints, and a window of fixed size is all that lives. */
public final class ChurnControl {
    private static final int WINDOW = 500;

    static final class Tick {
        private final long time;
        private final float price;
        private final Tick[] neighbours = new Tick[2];

        Tick(long time) {
            this.time = time;
            this.price = time % 1_000;
        }
    }

    public static void main(String[] args) throws Exception {
        ArrayDeque<Tick> window = new ArrayDeque<>(WINDOW);
        long time = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 50_000; i++) {
                if (window.size() == WINDOW) {
                    window.removeFirst();
                }
                window.addLast(new Tick(time++));
            }
            Checkpoint.reach();
        }
    }
}
