package org.example.orders;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.function.IntConsumer;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Orders come in faster than they are shipped. The queue is held by a static and by both threads' lambdas. */
public final class OrderPipeline {
    record Item(String product, int count) {}

    record Order(String id, String address, List<Item> items) {}

    private static final BlockingQueue<Order> PENDING = new LinkedBlockingQueue<>();

    private static Order order(int number, int i, Random random) {
        List<Item> items = new ArrayList<>();
        for (int item = 0; item < 1 + random.nextInt(4); item++) {
            items.add(new Item("product-" + random.nextInt(6_000), 1 + random.nextInt(5)));
        }
        return new Order("order-" + number + "." + i, Everyday.text(random, 4), items);
    }

    /** A thread that does one round of its work whenever it is told to. */
    private static SynchronousQueue<Integer> start(String name, IntConsumer round) {
        SynchronousQueue<Integer> rounds = new SynchronousQueue<>();
        Thread thread = new Thread(() -> {
            try {
                while (true) {
                    round.accept(rounds.take());
                    rounds.take();
                }
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        return rounds;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(15);
        BlockingQueue<Order> queue = PENDING;
        SynchronousQueue<Integer> web = start("web", number -> {
            for (int i = 0; i < 4_000; i++) {
                queue.add(order(number, i, random));
            }
        });
        SynchronousQueue<Integer> shipping = start("shipping", number -> {
            for (int i = 0; i < 1_500; i++) {
                queue.remove();
            }
        });
        Dumps.run(args, number -> {
            for (SynchronousQueue<Integer> thread : List.of(web, shipping)) {
                thread.put(number);
                // Taken when the round is over.
                thread.put(0);
            }
            Everyday.work(number);
        });
    }
}
