package org.example.plugins;

import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Redeploys a plugin. What was deployed before stays in a list, and with it its loader and all its classes. */
public final class PluginHost {
    record Deployment(int version, Supplier<?> plugin) {}

    private static final List<Deployment> DEPLOYED = new ArrayList<>();

    static Deployment deploy(int version) throws Exception {
        URL[] application = {PluginHost.class.getProtectionDomain().getCodeSource().getLocation()};
        // Not our own loader as the parent: the plugin's classes are to be loaded again.
        URLClassLoader loader = new URLClassLoader(application, ClassLoader.getPlatformClassLoader());
        Class<?> plugin = loader.loadClass(ReportPlugin.class.getName());
        return new Deployment(version, (Supplier<?>) plugin.getConstructor().newInstance());
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            for (int i = 0; i < 20; i++) {
                DEPLOYED.add(deploy(20 * number + i));
            }
            Everyday.work(number);
        });
    }
}
