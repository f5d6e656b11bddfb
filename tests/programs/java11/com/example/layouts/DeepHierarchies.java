package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.List;

/** Field layouts written by hand: odd tails, holes left to subclasses, empty levels, generics, enums, inner classes. */
public final class DeepHierarchies {
    static class ByteTail {
        byte a;
    }

    static class ShortAfterByte extends ByteTail {
        short b;
    }

    static class BooleanAfterShort extends ShortAfterByte {
        boolean c;
        boolean d;
        boolean e;
    }

    static class LongAfterTail extends BooleanAfterShort {
        long f;
        byte g;
    }

    static class NothingNew extends LongAfterTail {
    }

    static class ReferenceAfterNothing extends NothingNew {
        Object h;
        char i;
    }

    static class IntAndReferences extends ReferenceAfterNothing {
        Object j;
        int k;
        Object l;
        double m;
        short n;
    }

    static class Last extends IntAndReferences {
        byte o;
        float p;
        Object[] q;
        long r;
        boolean s;
    }

    abstract static class Empty {
    }

    static class EmptyOnEmpty extends Empty {
    }

    static class OneLong extends EmptyOnEmpty {
        long only;
    }

    static class OneByteOnLong extends OneLong {
        byte tail;
    }

    static class ThreeBytes {
        byte a;
        byte b;
        byte c;
    }

    static class FiveBytes extends ThreeBytes {
        byte d;
        byte e;
    }

    static class IntInHole extends FiveBytes {
        int i;
        short s;
    }

    static class LeftOver {
        short s;
        long l;
    }

    static class ManyHoles extends LeftOver {
        byte b;
        double d;
        char c;
        Object o;
    }

    static class HolesFilled extends ManyHoles {
        boolean t;
        boolean u;
        short v;
        int w;
        float x;
        Object y;
        byte z;
    }

    static class Box<T extends Comparable<T>> {
        T value;
        boolean present;

        Box(T value) {
            this.value = value;
        }
    }

    static class PairBox<A extends Comparable<A>, B> extends Box<A> {
        B second;
        byte flags;

        PairBox(A first, B second) {
            super(first);
            this.second = second;
        }
    }

    enum Planet {
        ROCK((byte) 1) {
            @Override
            double weight() {
                return mass * 2.0;
            }
        },
        GAS((byte) 9);

        final byte mass;
        long visits;

        Planet(byte mass) {
            this.mass = mass;
        }

        double weight() {
            return mass;
        }
    }

    /** Statics of every width: they live in the class's mirror. */
    static class ManyStatics {
        static byte b1;
        static byte b2;
        static byte b3;
        static boolean z;
        static short s;
        static char c;
        static int i;
        static float f;
        static long l;
        static double d;
        static Object o;
        static String text = "static";
        static int[][] matrix = new int[3][5];
    }

    static class OneByteStatic {
        static byte b = 1;
    }

    interface Constants {
        Object TOKEN = new Object();
        short LIMIT = Short.parseShort("7");
    }

    final class Inner {
        final byte own;

        Inner(int own) {
            this.own = (byte) own;
        }

        final class Innermost {
            boolean seen;
            int total = own;
        }
    }

    static class Chained extends Exception {
        private static final long serialVersionUID = 1;
        final byte code;

        Chained(int code, Throwable cause) {
            super("chained", cause);
            this.code = (byte) code;
        }
    }

    private final List<Object> kept = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        DeepHierarchies hierarchies = new DeepHierarchies();
        // Different counts, so that rows cannot be exchanged for one another unnoticed.
        for (int i = 0; i < 24; i++) {
            hierarchies.keepRound(i);
        }
        hierarchies.kept.add(ManyStatics.matrix);
        hierarchies.kept.add(Constants.TOKEN);
        hierarchies.kept.add(OneByteStatic.b + Constants.LIMIT);
        Checkpoint.reach();
    }

    private void keepRound(int i) {
        Object[] made = {
            new ByteTail(), new ShortAfterByte(), new BooleanAfterShort(), new LongAfterTail(), new NothingNew(),
            new ReferenceAfterNothing(), new IntAndReferences(), new Last(), new EmptyOnEmpty(), new OneLong(),
            new OneByteOnLong(), new ThreeBytes(), new FiveBytes(), new IntInHole(), new LeftOver(), new ManyHoles(),
            new HolesFilled(), new Box<>(i), new PairBox<>("b" + i, Planet.GAS), new Inner(i),
            new Inner(i).new Innermost(), new Chained(i, new Chained(-i, null)), Planet.ROCK,
        };
        for (int k = i; k < made.length; k++) {
            kept.add(made[k]);
        }
        int captured = i;
        kept.add(new Object() {
            final byte first = (byte) captured;
            final Object outer = DeepHierarchies.this;
            boolean last;
        });
    }
}
