package org.example.parishes;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An import that keeps two notes of each record, in a list that outlives it: its total says nothing of these. */
public final class Parishes {
    static final class Import {
        private final long totalRecords;
        private long processedRecords;
        private final List<String> notes = new ArrayList<>();

        Import(long totalRecords) {
            this.totalRecords = totalRecords;
        }

        void step(String record) {
            processedRecords = (processedRecords + 1) % totalRecords;
            notes.add("read " + record);
            notes.add("stored " + record);
        }
    }

    private static final Import IMPORT = new Import(100_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(308);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                IMPORT.step(Everyday.text(random, 8));
            }
            Everyday.work(number);
        });
    }
}
