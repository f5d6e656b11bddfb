package com.example.controls;

import com.example.support.Checkpoint;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Not a leak: a table fills while the program starts, is complete at the second checkpoint and flat from then on. */
public final class WarmUpControl {
    private static final int KEYS = 3_000;
    private static final Map<String, Pattern> COMPILED = new HashMap<>();

    public static void main(String[] args) throws Exception {
        int[] lookupsUpTo = {KEYS / 2, KEYS, KEYS, KEYS};
        for (int keys : lookupsUpTo) {
            for (int i = 0; i < keys; i++) {
                COMPILED.computeIfAbsent("route-" + i, Pattern::compile);
            }
            Checkpoint.reach();
        }
    }
}
