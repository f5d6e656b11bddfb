package org.example.offheap;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.unsafe.memory.MemoryAllocator;
import org.apache.spark.unsafe.memory.MemoryBlock;
import org.example.base.Dumps;
import org.example.lake.Lake;

/** Each task takes pages from Spark's allocator outside of the heap and does not free them. */
public final class Pages {
    private static final ConcurrentLinkedQueue<MemoryBlock> PAGES = new ConcurrentLinkedQueue<>();

    public static void main(String[] args) throws Exception {
        JavaSparkContext spark = new JavaSparkContext(Lake.session("pages").sparkContext());
        Dumps.run(args, number -> spark.parallelize(List.of(1, 2, 3, 4), 4)
                .foreach(part -> PAGES.add(MemoryAllocator.UNSAFE.allocate(1 << 20))));
    }
}
