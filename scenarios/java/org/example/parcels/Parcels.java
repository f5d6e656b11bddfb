package org.example.parcels;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Parcels are forgotten a day after they came: none has been at the last dump, after an hour and a half. */
public final class Parcels {
    record Parcel(String address, long came) {}

    static final class Book {
        private final Map<String, Parcel> parcels = new LinkedHashMap<>();
        private final long retentionMillis = 24 * 3_600_000L;

        void add(String number, Parcel parcel) {
            var oldest = parcels.values().iterator();
            while (oldest.hasNext() && oldest.next().came() < parcel.came() - retentionMillis) {
                oldest.remove();
            }
            parcels.put(number, parcel);
        }
    }

    private static final Book BOOK = new Book();

    public static void main(String[] args) throws Exception {
        Random random = new Random(235);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                BOOK.add("parcel-" + number + "." + i, new Parcel(Everyday.text(random, 14), number * 900_000L + i));
            }
            Everyday.work(number);
        });
    }
}
