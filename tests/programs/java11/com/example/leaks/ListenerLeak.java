package com.example.leaks;

import com.example.support.Checkpoint;
import java.util.List;
import java.util.ArrayList;
import java.util.function.IntConsumer;

/** Views register with a long-lived model and are never unregistered. */
public final class ListenerLeak {
    static final class PriceModel {
        private final List<IntConsumer> listeners = new ArrayList<>();

        void addListener(IntConsumer listener) {
            listeners.add(listener);
        }

        void change(int price) {
            listeners.forEach(listener -> listener.accept(price));
        }
    }

    static final class View {
        private final int[] history = new int[16];
        private int next;

        View(PriceModel model) {
            model.addListener(this::show);
        }

        private void show(int price) {
            history[next++ % history.length] = price;
        }
    }

    private static final PriceModel MODEL = new PriceModel();

    public static void main(String[] args) throws Exception {
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 2_000; i++) {
                new View(MODEL);
            }
            MODEL.change(checkpoint);
            Checkpoint.reach();
        }
    }
}
