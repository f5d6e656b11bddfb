package com.example.leaks;

import com.example.support.Checkpoint;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;

/** A queue without bound whose consumer takes one order for every three that arrive. */
public final class QueueBacklogLeak {
    private static final int ORDERS_PER_CHECKPOINT = 1_500;

    private final LinkedBlockingQueue<Order> backlog = new LinkedBlockingQueue<>();
    private final Semaphore consumerMayTake = new Semaphore(0);
    private final Semaphore consumerTook = new Semaphore(0);

    static final class Order {
        private final int number;
        private final double amount;
        private final String customer;

        Order(int number) {
            this.number = number;
            this.amount = number * 0.25;
            this.customer = "customer-" + number % 97;
        }
    }

    public static void main(String[] args) throws Exception {
        new QueueBacklogLeak().run();
    }

    private void run() throws Exception {
        Thread consumer = new Thread(this::consume, "order-consumer");
        consumer.setDaemon(true);
        consumer.start();
        int number = 0;
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < ORDERS_PER_CHECKPOINT; i++) {
                backlog.put(new Order(number++));
            }
            // A fixed share instead of a slow consumer: the dumps must not depend on the machine's speed.
            consumerMayTake.release(ORDERS_PER_CHECKPOINT / 3);
            consumerTook.acquire(ORDERS_PER_CHECKPOINT / 3);
            Checkpoint.reach();
        }
    }

    private void consume() {
        try {
            while (true) {
                consumerMayTake.acquire();
                backlog.take();
                consumerTook.release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
