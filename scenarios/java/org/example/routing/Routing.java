package org.example.routing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** LRU caches whose bound is a variable that their class captures. They are half full at the last dump. */
public final class Routing {
    private final Map<String, String> routes;

    Routing(int limit) {
        routes = cache(limit);
    }

    private static Map<String, String> cache(int most) {
        return new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
                return size() > most;
            }
        };
    }

    private static final Routing ROUTING = new Routing(40_000);

    public static void main(String[] args) throws Exception {
        Random random = new Random(222);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_500; i++) {
                ROUTING.routes.put("route-" + number + "." + i, Everyday.text(random, 15));
            }
            Everyday.work(number);
        });
    }
}
