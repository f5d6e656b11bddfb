package org.example.offheap;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Frames are decoded into pooled buffers; one of five is not released. */
public final class Frames {
    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            Random random = new Random(number);
            for (int frame = 0; frame < 500; frame++) {
                ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(30_000 + random.nextInt(20_000));
                buffer.writeLong(frame);
                if (frame % 5 != 0) {
                    buffer.release();
                }
            }
        });
    }
}
