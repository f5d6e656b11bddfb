package org.example.catalog;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The first dump is taken while tables are still being loaded. The second has them all, and nothing grows after it. */
public final class Catalog {
    record Article(String id, List<String> names, Map<String, String> properties) {}

    private static final Map<String, Article> ARTICLES = new HashMap<>();
    private static final Map<String, List<Article>> BY_GROUP = new HashMap<>();

    static void load(int from, int to, Random random) {
        for (int i = from; i < to; i++) {
            List<String> names = new ArrayList<>(List.of(Everyday.text(random, 3), Everyday.text(random, 2)));
            Article article = new Article("article-" + i, names, Everyday.details(random, 3));
            ARTICLES.put(article.id(), article);
            BY_GROUP.computeIfAbsent("group-" + i % 300, any -> new ArrayList<>()).add(article);
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(54);
        Dumps.run(args, number -> {
            if (number == 1) {
                load(0, 3_000, random);
            } else if (number == 2) {
                load(3_000, 14_000, random);
            }
            Everyday.work(number);
        });
    }
}
