package org.example.cities;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A hash table of one's own, with open addressing, for 9,000 cities that are looked up when they are first asked for. */
public final class Cities {
    record City(int number, String name) {}

    private final City[] slots = new City[32_768];

    City find(int number, Random random) {
        int at = number * 31 & slots.length - 1;
        while (slots[at] != null && slots[at].number() != number) {
            at = at + 1 & slots.length - 1;
        }
        if (slots[at] == null) {
            slots[at] = new City(number, Everyday.text(random, 25));
        }
        return slots[at];
    }

    private static final Cities CITIES = new Cities();

    public static void main(String[] args) throws Exception {
        Random random = new Random(234);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_500; i++) {
                CITIES.find(random.nextInt(9_000), random);
            }
            Everyday.work(number);
        });
    }
}
