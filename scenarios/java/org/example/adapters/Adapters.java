package org.example.adapters;

import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each script gets a proxy in a class loader of its own; the proxies stay in a list. */
public final class Adapters {
    public interface Script {
        String run(String input);
    }

    private static final List<Script> PROXIES = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(207);
        Dumps.run(args, number -> {
            for (int i = 0; i < 60; i++) {
                ClassLoader loader = new URLClassLoader(new URL[0], Adapters.class.getClassLoader()) {
                    @Override
                    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                        return super.loadClass(name, resolve);
                    }
                };
                String source = Everyday.text(random, 500);
                // An interface that is not public would put the proxy into the interface's own loader.
                PROXIES.add((Script) Proxy.newProxyInstance(
                        loader, new Class<?>[] {Script.class}, (proxy, method, arguments) -> source));
            }
            Everyday.work(number);
        });
    }
}
