package org.example.undo;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** What can be undone, per document: 20 documents are open, and each remembers all that was ever done to it. */
public final class Undo {
    static final class Document {
        private final Deque<String> done = new ArrayDeque<>();
    }

    private final Document[] documents = new Document[20];
    private static final Undo EDITOR = new Undo();

    public static void main(String[] args) throws Exception {
        Random random = new Random(304);
        for (int at = 0; at < 20; at++) {
            EDITOR.documents[at] = new Document();
        }
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                EDITOR.documents[i % 20].done.push(Everyday.text(random, 12) + i);
            }
            Everyday.work(number);
        });
    }
}
