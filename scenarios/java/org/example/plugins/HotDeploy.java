package org.example.plugins;

import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Redeploys a plugin and lets the one before go: two are there at any time, of many. */
public final class HotDeploy {
    record Deployment(int version, URLClassLoader loader, Supplier<?> plugin) {}

    private static final Deque<Deployment> CURRENT = new ArrayDeque<>();

    public static void main(String[] args) throws Exception {
        URL[] application = {HotDeploy.class.getProtectionDomain().getCodeSource().getLocation()};
        Dumps.run(args, number -> {
            for (int i = 0; i < 15; i++) {
                URLClassLoader loader = new URLClassLoader(application, ClassLoader.getPlatformClassLoader());
                Class<?> plugin = loader.loadClass(ReportPlugin.class.getName());
                Supplier<?> instance = (Supplier<?>) plugin.getConstructor().newInstance();
                CURRENT.addLast(new Deployment(15 * number + i, loader, instance));
                if (CURRENT.size() > 2) {
                    CURRENT.removeFirst().loader().close();
                }
            }
            Everyday.work(number);
        });
    }
}
