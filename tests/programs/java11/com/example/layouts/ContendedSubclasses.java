package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.List;
import java.util.concurrent.ForkJoinPool;

/** Hierarchies below the JDK's classes with padded fields: the padding goes on in subclasses, at every level. */
public final class ContendedSubclasses {
    private static final List<Object> KEPT = List.of(
        new WithReference(), new Below(), new EmptyBelow(), new WithLong(), new WithByte(),
        new Empty(), new WithInt(), new EmptyTwice(), new WithBoolean(), new EmptyBelowInt(), new EmptyBelowIntTwice(),
        new Mixed(), new MixedBelow(),
        new Pool(), new PoolBelow(), new EmptyPoolBelow(), new MixedPool(), new MixedPoolBelow());

    static class WithReference extends Thread {
        Object reference;
    }

    static class Below extends WithReference {
        Object another;
    }

    static class EmptyBelow extends Below {
    }

    static class WithLong extends EmptyBelow {
        long number;
    }

    static class WithByte extends WithLong {
        byte small;
    }

    static class Empty extends Thread {
    }

    static class WithInt extends Empty {
        int number;
    }

    static class EmptyTwice extends Empty {
    }

    static class WithBoolean extends EmptyTwice {
        boolean flag;
    }

    static class EmptyBelowInt extends WithInt {
    }

    static class EmptyBelowIntTwice extends EmptyBelowInt {
    }

    static class Mixed extends WithReference {
        long number;
        byte small;
    }

    static class MixedBelow extends Mixed {
        boolean flag;
        long number;
        short two;
        Object reference;
    }

    static class Pool extends ForkJoinPool {
        Object reference;
    }

    static class PoolBelow extends Pool {
        Object another;
        int number;
    }

    static class EmptyPoolBelow extends PoolBelow {
    }

    static class MixedPool extends Pool {
        long number;
        byte small;
    }

    static class MixedPoolBelow extends MixedPool {
        boolean flag;
        long number;
        short two;
        Object reference;
    }

    private ContendedSubclasses() {
    }

    public static void main(String[] args) throws Exception {
        Checkpoint.reach();
    }
}
