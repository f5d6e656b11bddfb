package com.example.layouts;

import java.util.ArrayList;
import java.util.List;

/** Fills the heap until the JVM gives up; run it with {@code -XX:+HeapDumpOnOutOfMemoryError} and a small heap. */
public final class OutOfMemory {
    static final class Chunk {
        private final int number;
        private final byte[] bytes = new byte[64 * 1024];

        Chunk(int number) {
            this.number = number;
        }
    }

    public static void main(String[] args) {
        List<Chunk> hoard = new ArrayList<>();
        while (true) {
            hoard.add(new Chunk(hoard.size()));
        }
    }
}
