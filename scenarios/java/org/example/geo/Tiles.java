package org.example.geo;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** The working set swings with what users look at, by several megabytes up and down. */
public final class Tiles {
    record Tile(int x, int y, short[] heights, String label) {}

    private static final Map<String, Tile> VISIBLE = new HashMap<>();
    private static final double[] LOAD = {0.4, 0.9, 0.5, 1.0, 0.35, 0.8};

    public static void main(String[] args) throws Exception {
        Random random = new Random(61);
        Dumps.run(args, number -> {
            VISIBLE.clear();
            int tiles = (int) (8_000 * LOAD[(number - 1) % LOAD.length]);
            for (int i = 0; i < tiles; i++) {
                VISIBLE.put("tile-" + number + "." + i, new Tile(i, number, new short[256], Everyday.text(random, 2)));
            }
            Everyday.work(number);
        });
    }
}
