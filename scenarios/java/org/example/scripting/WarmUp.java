package org.example.scripting;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Expressions are compiled when they are first used: method handles, proxies, patterns. New ones become ever fewer. */
public final class WarmUp {
    record Compiled(MethodHandle handle, Supplier<?> proxy, Pattern pattern) {}

    private static final int EXPRESSIONS = 3_000;
    private static final Map<String, Compiled> COMPILED = new HashMap<>();

    static String repeat(String text, Integer times) {
        return text.repeat(times);
    }

    static Compiled compile(int expression) {
        try {
            MethodType type = MethodType.methodType(String.class, String.class, Integer.class);
            MethodHandle handle = MethodHandles.lookup().findStatic(WarmUp.class, "repeat", type);
            handle = MethodHandles.insertArguments(handle, 1, expression % 5);
            MethodHandle target = handle.asType(MethodType.methodType(Object.class, Object.class));
            Supplier<?> proxy = (Supplier<?>) Proxy.newProxyInstance(
                    WarmUp.class.getClassLoader(),
                    new Class<?>[] {Supplier.class},
                    (self, method, arguments) -> target.invoke("expression " + expression));
            return new Compiled(handle, proxy, Pattern.compile("(\\w+) " + expression + "[a-z]{2,7}|x+y*"));
        } catch (ReflectiveOperationException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(65);
        Dumps.run(args, number -> {
            int length = 0;
            for (int i = 0; i < 4_000; i++) {
                // Some are used far more often than others.
                int expression = (int) Math.abs(random.nextGaussian() * EXPRESSIONS / 3) % EXPRESSIONS;
                Compiled compiled = COMPILED.computeIfAbsent("expression " + expression, any -> compile(expression));
                length += String.valueOf(compiled.proxy().get()).length();
            }
            Everyday.work(number + length % 2);
        });
    }
}
