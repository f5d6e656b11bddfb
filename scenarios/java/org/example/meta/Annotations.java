package org.example.meta;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import java.util.WeakHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Notes on documents, held weakly: they go when their document is closed. 2,000 documents are open at a time. */
public final class Annotations {
    static final class Document {
        private final String text;

        Document(String text) {
            this.text = text;
        }
    }

    private static final Map<Document, Map<String, String>> NOTES = new WeakHashMap<>();
    private static final Deque<Document> OPEN = new ArrayDeque<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(60);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_000; i++) {
                Document document = new Document(Everyday.text(random, 20));
                OPEN.addLast(document);
                NOTES.put(document, Everyday.details(random, 4));
                if (OPEN.size() > 2_000) {
                    OPEN.removeFirst();
                }
            }
            Everyday.work(number);
        });
    }
}
