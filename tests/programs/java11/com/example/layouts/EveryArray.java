package com.example.layouts;

import com.example.support.Checkpoint;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;

/** Arrays of every element type: each length from 0 to 70, some large ones, and several dimensions. */
public final class EveryArray {
    private static final Class<?>[] ELEMENTS = {
        boolean.class, byte.class, char.class, short.class, int.class, float.class, long.class, double.class,
        Object.class, String.class, int[].class, Thread.State.class,
    };
    private static final int[] LARGE = {127, 1_023, 8_191, 65_537, 150_001};

    public static void main(String[] args) throws Exception {
        List<Object> kept = new ArrayList<>();
        for (Class<?> element : ELEMENTS) {
            for (int length = 0; length <= 70; length++) {
                kept.add(Array.newInstance(element, length));
            }
            for (int length : LARGE) {
                kept.add(Array.newInstance(element, length));
            }
        }
        kept.add(new long[3][5][7]);
        kept.add(new byte[11][][]);
        kept.add(new char[2][2][2][2][2]);
        kept.add(new Runnable[4][0]);
        kept.add(new EveryArray[][] {{}, {new EveryArray()}, null});
        Checkpoint.reach();
        kept.clear();
    }
}
