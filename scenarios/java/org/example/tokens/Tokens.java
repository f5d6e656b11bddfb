package org.example.tokens;

import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Tokens with a time to live. As many expire as are issued, but for chance; a queue knows which is the next. */
public final class Tokens {
    record Token(String id, long expires, Map<String, String> claims) {}

    private static final Map<String, Token> VALID = new ConcurrentHashMap<>();
    private static final PriorityQueue<Token> NEXT =
            new PriorityQueue<>((one, other) -> Long.compare(one.expires(), other.expires()));

    private static long now;

    static void issue(Random random) {
        now++;
        while (!NEXT.isEmpty() && NEXT.peek().expires() <= now) {
            VALID.remove(NEXT.remove().id());
        }
        long lives = 4_000 + random.nextInt(4_000);
        Token token = new Token(Long.toHexString(random.nextLong()), now + lives, Everyday.details(random, 3));
        VALID.put(token.id(), token);
        NEXT.add(token);
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(70);
        Dumps.run(args, number -> {
            for (int i = 0; i < 10_000; i++) {
                issue(random);
            }
            Everyday.work(number);
        });
    }
}
