package com.example.leaks;

import com.example.support.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** Redeployment that never lets go: every round loads the same class in a loader of its own. */
public final class ClassLoaderLeak {
    private static final List<Runnable> DEPLOYED = new ArrayList<>();

    /** Deployed in many loaders at once; the static belongs to each of them separately. */
    public static final class Plugin implements Runnable {
        private static final byte[] CONFIGURATION = new byte[512];
        private int runs;

        @Override
        public void run() {
            runs += CONFIGURATION.length;
        }
    }

    static final class PluginLoader extends ClassLoader {
        private final byte[] code;

        PluginLoader(byte[] code) {
            super("plugin", ClassLoaderLeak.class.getClassLoader());
            this.code = code;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.equals(Plugin.class.getName())) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : defineClass(name, code, 0, code.length);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        byte[] code = pluginCode();
        for (int checkpoint = 1; checkpoint <= 4; checkpoint++) {
            for (int i = 0; i < 50; i++) {
                Class<?> plugin = new PluginLoader(code).loadClass(Plugin.class.getName());
                Runnable deployed = (Runnable) plugin.getConstructor().newInstance();
                deployed.run();
                DEPLOYED.add(deployed);
            }
            Checkpoint.reach();
        }
    }

    private static byte[] pluginCode() throws IOException {
        try (InputStream in = Plugin.class.getResourceAsStream("ClassLoaderLeak$Plugin.class")) {
            return in.readAllBytes();
        }
    }
}
