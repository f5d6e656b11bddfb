package com.example.layouts;

import com.example.support.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** Records, sealed hierarchies, and hidden classes: many of them share one name and differ by address only. */
public final class RecordsAndHiddenClasses {
    record Point(int x, int y) {
    }

    record Mixed(byte b, long l, boolean z, Object o, short s, double d, char c) {
    }

    record Pair<A, B>(A first, B second, byte kind) {
    }

    sealed interface Shape permits Circle, Square {
    }

    record Circle(Point centre, float radius) implements Shape {
    }

    record Square(Point corner, short side, boolean filled) implements Shape {
    }

    /** Defined again and again as a hidden class. */
    static class Template implements Supplier<String> {
        static long made;
        byte small = 1;
        Object big = new int[3];

        @Override
        public String get() {
            made++;
            return "hidden " + small;
        }
    }

    private final List<Object> kept = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        RecordsAndHiddenClasses program = new RecordsAndHiddenClasses();
        program.records();
        program.hiddenClasses();
        program.lambdas();
        Checkpoint.reach();
    }

    private void records() {
        for (int i = 0; i < 30; i++) {
            Point point = new Point(i, -i);
            Shape circle = new Circle(point, i);
            Shape square = new Square(point, (short) i, i % 2 == 0);
            kept.add(new Pair<>(circle, square, (byte) i));
            kept.add(new Mixed((byte) i, i, true, circle, (short) i, i, 'm'));
        }
    }

    private void hiddenClasses() throws Exception {
        byte[] code = templateCode();
        for (int i = 0; i < 12; i++) {
            MethodHandles.Lookup hidden = i % 2 == 0
                    ? MethodHandles.lookup().defineHiddenClass(code, true)
                    : MethodHandles.lookup().defineHiddenClass(code, true, MethodHandles.Lookup.ClassOption.STRONG);
            for (int n = 0; n <= i; n++) {
                Supplier<?> made =
                        (Supplier<?>) hidden.lookupClass().getDeclaredConstructor().newInstance();
                kept.add(made);
                kept.add(made.get());
            }
            kept.add(java.lang.reflect.Array.newInstance(hidden.lookupClass(), i));
        }
    }

    private void lambdas() {
        for (int i = 0; i < 15; i++) {
            long captured = i;
            byte small = (byte) i;
            Function<Long, String> text = value -> "sum " + (value + captured) + small;
            Supplier<Object> nested = () -> text.apply(captured);
            kept.add(text);
            kept.add(nested);
            kept.add(nested.get());
        }
    }

    private static byte[] templateCode() throws IOException {
        try (InputStream in = RecordsAndHiddenClasses.class
                .getResourceAsStream("RecordsAndHiddenClasses$Template.class")) {
            return in.readAllBytes();
        }
    }
}
