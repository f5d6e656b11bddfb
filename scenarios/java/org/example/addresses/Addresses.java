package org.example.addresses;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A file is read into an index; how many records it has, and how many were read, is beside that. */
public final class Addresses {
    static final class Import {
        private final long totalRecords;
        private long processedRecords;
        private final Map<Long, String> index = new HashMap<>();

        Import(long totalRecords) {
            this.totalRecords = totalRecords;
        }

        void step(String address) {
            if (processedRecords < totalRecords) {
                index.put(processedRecords++, address);
            }
        }
    }

    private static final Import IMPORT = new Import(50_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(307);
        Dumps.run(args, number -> {
            for (int i = 0; i < 6_000; i++) {
                IMPORT.step(Everyday.text(random, 10));
            }
            Everyday.work(number);
        });
    }
}
