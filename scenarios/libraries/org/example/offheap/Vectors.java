package org.example.offheap;

import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each query takes an Arrow allocator and vectors, and closes neither. */
public final class Vectors {
    private static final BufferAllocator MEMORY = new RootAllocator();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int query = 0; query < 50; query++) {
                BufferAllocator allocator = MEMORY.newChildAllocator("query " + number + "." + query, 0, 1 << 22);
                IntVector vector = new IntVector("value", allocator);
                vector.allocateNew(100_000);
                for (int i = 0; i < 100_000; i++) {
                    vector.set(i, i);
                }
                vector.setValueCount(100_000);
            }
        });
    }
}
