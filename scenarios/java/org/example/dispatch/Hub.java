package org.example.dispatch;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A hub has a dispatcher, which has the listeners. Each request registers one and forgets it. */
public final class Hub {
    static final class Dispatcher {
        private final List<Consumer<String>> listeners = new ArrayList<>();

        void add(Consumer<String> listener) {
            listeners.add(listener);
        }
    }

    private static final Hub INSTANCE = new Hub();

    private final Dispatcher dispatcher = new Dispatcher();
    private final String[] names = new String[16];

    public static void main(String[] args) throws Exception {
        Random random = new Random(202);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                String request = Everyday.text(random, 15) + number + "." + i;
                INSTANCE.dispatcher.add(event -> INSTANCE.names[event.length() % 16] = request);
            }
            Everyday.work(number);
        });
    }
}
