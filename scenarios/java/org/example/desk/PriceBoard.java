package org.example.desk;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Views listen with inner classes to a board that outlives them; closing a view does not deregister it. */
public final class PriceBoard {
    interface PriceListener {
        void priceChanged(String product, long cents);
    }

    static final class Board {
        private final List<PriceListener> listeners = new ArrayList<>();

        void addListener(PriceListener listener) {
            listeners.add(listener);
        }

        void change(String product, long cents) {
            listeners.forEach(listener -> listener.priceChanged(product, cents));
        }
    }

    static final class View {
        private final String title;
        private final long[] history = new long[40];
        private int next;

        View(String title) {
            this.title = title;
        }

        void open(Board board) {
            board.addListener(new PriceListener() {
                @Override
                public void priceChanged(String product, long cents) {
                    history[next++ % history.length] = cents + title.length();
                }
            });
        }
    }

    private static final Board BOARD = new Board();

    public static void main(String[] args) throws Exception {
        Random random = new Random(12);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                new View(Everyday.text(random, 3)).open(BOARD);
            }
            BOARD.change("product-1", random.nextInt(1_000));
            Everyday.work(number);
        });
    }
}
