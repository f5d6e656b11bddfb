package org.example.ledger;

import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each state knows the one it was made from, and the chain is never cut: only the latest is wanted. */
public final class Ledger {
    static final class State {
        private final State parent;
        private final String change;
        private final Map<String, String> changed;

        State(State parent, Random random) {
            this.parent = parent;
            change = Everyday.text(random, 5);
            changed = Everyday.details(random, 2);
        }
    }

    private static State latest;

    public static void main(String[] args) throws Exception {
        Random random = new Random(28);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                latest = new State(latest, random);
            }
            Everyday.work(number);
        });
    }
}
