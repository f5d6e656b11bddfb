package org.example.agents;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** What browsers call themselves, once each. Common ones come first, rare ones ever more rarely. */
public final class Agents {
    private static final Map<String, String> PARSED = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(229);
        Dumps.run(args, number -> {
            for (int i = 0; i < 20_000; i++) {
                // Of 20,000, the first ones far more often.
                int rank = (int) (20_000 * Math.pow(random.nextDouble(), 2.5));
                PARSED.computeIfAbsent("agent-" + rank, agent -> agent + Everyday.text(random, 14));
            }
            Everyday.work(number);
        });
    }
}
