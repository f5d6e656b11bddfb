package com.example.layouts;

import com.example.support.Checkpoint;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.WeakHashMap;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;

/** Method and variable handles, lambdas, proxies, references of every strength, and direct buffers. */
public final class InvocationAndReferences {
    private static final ReferenceQueue<Object> QUEUE = new ReferenceQueue<>();

    private volatile long counter;
    private byte flag;
    private final List<Object> kept = new ArrayList<>();
    private final WeakHashMap<Object, String> weakKeys = new WeakHashMap<>();

    static final class TaggedWeak extends WeakReference<Object> {
        private final byte tag;

        TaggedWeak(Object referent, byte tag) {
            super(referent, QUEUE);
            this.tag = tag;
        }
    }

    interface Greeter {
        String greet(String name);
    }

    public static void main(String[] args) throws Throwable {
        InvocationAndReferences program = new InvocationAndReferences();
        program.handles();
        program.lambdasAndProxies();
        program.references();
        program.buffers();
        Checkpoint.reach();
    }

    private void handles() throws Throwable {
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        VarHandle counterHandle = lookup.findVarHandle(InvocationAndReferences.class, "counter", long.class);
        VarHandle flagHandle = lookup.findVarHandle(InvocationAndReferences.class, "flag", byte.class);
        counterHandle.getAndAdd(this, 5L);
        flagHandle.setVolatile(this, (byte) 3);
        kept.add(counterHandle);
        kept.add(flagHandle);
        kept.add(MethodHandles.arrayElementVarHandle(double[].class));
        MethodHandle concat = lookup.findVirtual(String.class, "concat",
                MethodType.methodType(String.class, String.class));
        MethodHandle bound = concat.bindTo("bound ");
        MethodHandle guarded = MethodHandles.guardWithTest(
                MethodHandles.dropArguments(MethodHandles.constant(boolean.class, true), 0, String.class),
                bound, MethodHandles.filterReturnValue(bound, MethodHandles.identity(String.class)));
        String result = (String) guarded.invokeExact("twice");
        kept.add(guarded);
        kept.add(result);
    }

    private void lambdasAndProxies() {
        for (int i = 0; i < 20; i++) {
            int captured = i;
            IntUnaryOperator add = x -> x + captured;
            IntUnaryOperator both = add.andThen(x -> x * 2);
            Supplier<String> text = () -> "n" + captured + this.counter;
            kept.add(add);
            kept.add(both);
            kept.add(text);
            kept.add(Proxy.newProxyInstance(InvocationAndReferences.class.getClassLoader(),
                    new Class<?>[] {Greeter.class, Runnable.class}, (proxy, method, arguments) -> text.get()));
        }
        kept.add((Supplier<Object>) Object::new);
        kept.add((Supplier<Object>) ArrayList<String>::new);
    }

    private void references() {
        Cleaner cleaner = Cleaner.create();
        kept.add(cleaner);
        for (int i = 0; i < 10; i++) {
            Object referent = new int[i];
            kept.add(referent);
            kept.add(new SoftReference<>(referent));
            kept.add(new TaggedWeak(referent, (byte) i));
            kept.add(new PhantomReference<>(referent, QUEUE));
            kept.add(cleaner.register(referent, () -> { }));
            weakKeys.put(referent, "weakly known");
        }
    }

    private void buffers() {
        ByteBuffer direct = ByteBuffer.allocateDirect(100_000);
        kept.add(direct);
        kept.add(direct.slice());
        kept.add(direct.asLongBuffer());
        kept.add(direct.asReadOnlyBuffer());
        kept.add(CharBuffer.wrap("read only"));
        kept.add(ByteBuffer.allocate(33).asDoubleBuffer());
    }
}
