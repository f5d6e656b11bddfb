package org.example.transfer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Direct buffers are given back to a depot that nobody borrows from: the heap stays small, the process does not. */
public final class BufferDepot {
    private static final List<ByteBuffer> RETURNED = new ArrayList<>();

    static void transfer(int size) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        buffer.putInt(size);
        RETURNED.add(buffer);
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 50; i++) {
                transfer(64 << 10);
            }
            Everyday.work(number);
        });
    }
}
