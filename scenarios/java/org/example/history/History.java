package org.example.history;

import java.util.ArrayDeque;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The last 48,000 events, in a deque from which the first goes when there are more. Not half of them at the last dump. */
public final class History {
    record Event(String text, long at) {}

    static final class Recent {
        private final ArrayDeque<Event> events = new ArrayDeque<>();
        private final int limit;

        Recent(int limit) {
            this.limit = limit;
        }

        void add(Event event) {
            events.addLast(event);
            if (events.size() > limit) {
                events.removeFirst();
            }
        }
    }

    private static final Recent RECENT = new Recent(48_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(224);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                RECENT.add(new Event(Everyday.text(random, 14), number));
            }
            Everyday.work(number);
        });
    }
}
