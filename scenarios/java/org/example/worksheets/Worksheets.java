package org.example.worksheets;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** What can be undone in each of twenty sheets, as deep as settings say that all of them share. */
public final class Worksheets {
    record UndoPolicy(int depth) {}

    static final class Sheet {
        private final Deque<String> undo = new ArrayDeque<>();
        private final UndoPolicy policy;

        Sheet(UndoPolicy policy) {
            this.policy = policy;
        }

        void edit(String change) {
            undo.push(change);
            if (undo.size() > policy.depth()) {
                undo.pollLast();
            }
        }
    }

    private static final Map<String, Sheet> OPEN = new TreeMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(306);
        UndoPolicy policy = new UndoPolicy(3_000);
        for (int i = 0; i < 20; i++) {
            OPEN.put("sheet-" + i, new Sheet(policy));
        }
        Dumps.run(args, number -> {
            for (Sheet sheet : OPEN.values()) {
                for (int i = 0; i < 300; i++) {
                    sheet.edit(Everyday.text(random, 12));
                }
            }
            Everyday.work(number);
        });
    }
}
