package org.example.meta;

import java.util.Map;
import java.util.Random;
import java.util.WeakHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Layouts are kept for as long as their documents live. But each refers to its document, so none is ever dropped. */
public final class Layouts {
    static final class Document {
        private final String text;

        Document(String text) {
            this.text = text;
        }
    }

    record Layout(Document document, int[] lines, Map<String, String> fonts) {}

    private static final Map<Document, Layout> LAYOUTS = new WeakHashMap<>();

    static Layout layout(Document document, Random random) {
        return LAYOUTS.computeIfAbsent(document, any -> new Layout(document, new int[60], Everyday.details(random, 2)));
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(30);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                layout(new Document(Everyday.text(random, 12)), random);
            }
            Everyday.work(number);
        });
    }
}
