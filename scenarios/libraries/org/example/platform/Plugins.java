package org.example.platform;

import java.util.ArrayList;
import java.util.List;
import org.codehaus.janino.SimpleCompiler;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Rules are compiled by Janino again and again; the compiled classes are kept, and their loaders with them. */
public final class Plugins {
    private static final List<Class<?>> RULES = new ArrayList<>();

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int rule = 0; rule < 40; rule++) {
                SimpleCompiler compiler = new SimpleCompiler();
                compiler.cook("public class Rule { public static final byte[] TABLE = new byte[4000];"
                        + " public static int apply(int x) { return x + " + rule + "; } }");
                Class<?> compiled = compiler.getClassLoader().loadClass("Rule");
                compiled.getMethod("apply", int.class).invoke(null, number);
                RULES.add(compiled);
            }
        });
    }
}
