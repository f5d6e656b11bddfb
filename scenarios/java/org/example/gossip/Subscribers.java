package org.example.gossip;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Subscribers come and go. By chance there are a few more at each dump: less than one per cent of the heap. */
public final class Subscribers {
    interface Subscriber {
        void notified(String topic);
    }

    private static final List<Subscriber> SUBSCRIBERS = new ArrayList<>();

    static Subscriber subscriber(Random random) {
        String[] topics = {Everyday.text(random, 4), Everyday.text(random, 4)};
        int[] seen = new int[20];
        return topic -> seen[0] += topics.length + topic.length();
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(76);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000 && !SUBSCRIBERS.isEmpty(); i++) {
                SUBSCRIBERS.remove(random.nextInt(SUBSCRIBERS.size()));
            }
            while (SUBSCRIBERS.size() < 8_000 + 40 * number) {
                SUBSCRIBERS.add(subscriber(random));
            }
            SUBSCRIBERS.get(0).notified("interval " + number);
            Everyday.work(number);
        });
    }
}
