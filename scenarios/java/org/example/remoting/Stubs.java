package org.example.remoting;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Proxies for 1,000 combinations of interfaces, made when they are first needed: classes in the program's own loader. */
public final class Stubs {
    interface A1 {}
    interface A2 {}
    interface A3 {}
    interface A4 {}
    interface A5 {}
    interface A6 {}
    interface A7 {}
    interface A8 {}
    interface A9 {}
    interface A10 {}

    private static final Class<?>[] ALL = {
        A1.class, A2.class, A3.class, A4.class, A5.class, A6.class, A7.class, A8.class, A9.class, A10.class
    };

    static Object stub(int combination) {
        Set<Class<?>> interfaces = new LinkedHashSet<>();
        for (int at = 0; at < ALL.length; at++) {
            if ((combination >> at & 1) != 0) {
                interfaces.add(ALL[at]);
            }
        }
        return Proxy.newProxyInstance(
                Stubs.class.getClassLoader(), interfaces.toArray(new Class<?>[0]), (proxy, method, args) -> null);
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(231);
        Dumps.run(args, number -> {
            for (int i = 0; i < 130; i++) {
                stub(1 + random.nextInt(1_000));
            }
            Everyday.work(number);
        });
    }
}
