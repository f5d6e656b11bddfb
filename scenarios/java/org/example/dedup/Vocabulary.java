package org.example.dedup;

import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each word of a language once. There are 30,000 words; most have been seen soon, new ones are ever rarer. */
public final class Vocabulary {
    record Word(String spelling, int[] forms, String origin) {}

    private static final Map<String, Word> WORDS = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(69);
        Dumps.run(args, number -> {
            for (int i = 0; i < 35_000; i++) {
                String spelling = "word-" + random.nextInt(30_000);
                WORDS.computeIfAbsent(spelling, any -> new Word(any, new int[10], Everyday.text(random, 2)));
            }
            Everyday.work(number);
        });
    }
}
