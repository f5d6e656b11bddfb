package org.example.graph;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.example.structures.OpenMap;

/** Two tables of one's own: one is the graph, the other takes vertices of queries and never drops one. */
public final class Vertices {
    record Vertex(long id, long[] edges) {}

    static final class Graph {
        private final OpenMap vertices = new OpenMap();
        private final OpenMap ofQueries = new OpenMap();
    }

    private static final Graph GRAPH = new Graph();

    public static void main(String[] args) throws Exception {
        Random random = new Random(4);
        for (long id = 0; id < 8_000; id++) {
            GRAPH.vertices.put("vertex-" + id, new Vertex(id, new long[20]));
        }
        Dumps.run(args, number -> {
            for (int query = 0; query < 5_000; query++) {
                String key = number + "." + query + Everyday.text(random, 2);
                GRAPH.ofQueries.put(key, new Vertex(random.nextLong(), new long[20]));
            }
            Everyday.work(number);
        });
        System.out.println(GRAPH.vertices.size());
    }
}
