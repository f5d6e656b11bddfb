package org.example.transfer;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Buffers are borrowed and given back. The pool has as many as were ever out at once, which is ever harder to beat. */
public final class BufferPool {
    private static final Deque<ByteBuffer> IDLE = new ArrayDeque<>();

    static ByteBuffer borrow() {
        ByteBuffer idle = IDLE.pollLast();
        return idle == null ? ByteBuffer.allocate(16 << 10) : idle;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(84);
        Dumps.run(args, number -> {
            for (int burst = 0; burst < 40; burst++) {
                List<ByteBuffer> out = new ArrayList<>();
                int wanted = (int) (250 + 50 * random.nextGaussian());
                for (int i = 0; i < wanted; i++) {
                    out.add(borrow().clear().putInt(i));
                }
                IDLE.addAll(out);
            }
            Everyday.work(number);
        });
    }
}
