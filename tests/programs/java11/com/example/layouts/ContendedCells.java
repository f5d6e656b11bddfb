package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Exchanger;
import java.util.concurrent.Flow;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** The JDK classes that the JVM pads against false sharing, made by real contention. */
public final class ContendedCells {
    private static final int THREADS = 4;
    private static final int ROUNDS = 20_000;

    private final LongAdder adder = new LongAdder();
    private final DoubleAdder doubles = new DoubleAdder();
    // The yield widens the window between reading the base and swapping it: cells appear even on one core.
    private final LongAccumulator slow = new LongAccumulator((a, b) -> {
        Thread.yield();
        return a + b;
    }, 0);
    private final ConcurrentHashMap<Integer, Boolean> counted = new ConcurrentHashMap<>();
    private final Exchanger<String> exchanger = new Exchanger<>();
    private final ForkJoinPool pool = new ForkJoinPool(3);
    private final SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>(pool, 8);
    private final CompletableFuture<Integer> never = new CompletableFuture<>();
    private final List<CompletableFuture<Integer>> chain = new ArrayList<>();

    static final class Sum extends RecursiveTask<Long> {
        private static final long serialVersionUID = 1;
        private final int from;
        private final int to;

        Sum(int from, int to) {
            this.from = from;
            this.to = to;
        }

        @Override
        protected Long compute() {
            if (to - from < 16) {
                long sum = 0;
                for (int i = from; i < to; i++) {
                    sum += i;
                }
                return sum;
            }
            Sum left = new Sum(from, (from + to) / 2);
            left.fork();
            return new Sum((from + to) / 2, to).compute() + left.join();
        }
    }

    /** Asks for a few items only, so that the rest stays buffered. */
    static final class Reluctant implements Flow.Subscriber<Integer> {
        private final CountDownLatch taken = new CountDownLatch(2);

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(2);
        }

        @Override
        public void onNext(Integer item) {
            taken.countDown();
        }

        @Override
        public void onError(Throwable error) {
        }

        @Override
        public void onComplete() {
        }
    }

    public static void main(String[] args) throws Exception {
        new ContendedCells().run();
    }

    private void run() throws Exception {
        List<Reluctant> subscribers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Reluctant subscriber = new Reluctant();
            subscribers.add(subscriber);
            publisher.subscribe(subscriber);
        }
        for (int i = 0; i < 6; i++) {
            publisher.offer(i, null);
        }
        for (Reluctant subscriber : subscribers) {
            subscriber.taken.await();
        }
        pool.invoke(new Sum(0, 5_000));
        for (int i = 0; i < 5; i++) {
            int plus = i;
            chain.add(never.thenApply(value -> value + plus).thenCombine(never, Integer::sum));
        }
        contend();
        Checkpoint.reach();
    }

    /** The threads stay parked afterwards: a thread's own padded fields and exchanger nodes are to be seen too. */
    private void contend() throws Exception {
        CountDownLatch done = new CountDownLatch(THREADS);
        for (int t = 0; t < THREADS; t++) {
            int own = t;
            Thread thread = new Thread(() -> {
                for (int i = 0; i < ROUNDS; i++) {
                    adder.increment();
                    doubles.add(0.5);
                    counted.put(own * 64 + ThreadLocalRandom.current().nextInt(64), Boolean.TRUE);
                    if (i % 16 == 0) {
                        slow.accumulate(1);
                    }
                    counted.remove(own * 64 + i % 64);
                }
                try {
                    for (int i = 0; i < 200; i++) {
                        exchanger.exchange("from " + own, 1, TimeUnit.MILLISECONDS);
                    }
                } catch (InterruptedException | TimeoutException e) {
                    // An odd partner is left over at the end.
                }
                done.countDown();
                synchronized (adder) {
                    try {
                        adder.wait();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
            }, "contender-" + t);
            thread.setDaemon(true);
            thread.start();
        }
        done.await();
    }
}
