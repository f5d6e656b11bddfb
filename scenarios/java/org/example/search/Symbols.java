package org.example.search;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A parser keeps each token once. Among the tokens are numbers of requests: the table only grows. */
public final class Symbols {
    private static final Map<String, String> TOKENS = new HashMap<>();

    static String canonical(String token) {
        String known = TOKENS.putIfAbsent(token, token);
        return known == null ? token : known;
    }

    static int parse(String line) {
        int start = 0;
        int tokens = 0;
        for (int i = 0; i <= line.length(); i++) {
            if (i == line.length() || line.charAt(i) == ' ') {
                canonical(line.substring(start, i));
                start = i + 1;
                tokens++;
            }
        }
        return tokens;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(17);
        Dumps.run(args, number -> {
            for (int i = 0; i < 12_000; i++) {
                parse(Everyday.text(random, 5) + "request-" + Long.toHexString(random.nextLong()) + " done");
            }
            Everyday.work(number);
        });
    }
}
