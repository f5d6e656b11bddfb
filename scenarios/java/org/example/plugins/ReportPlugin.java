package org.example.plugins;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A plugin: loaded by a class loader of its own, with tables in static fields. */
public final class ReportPlugin implements Supplier<String> {
    private static final Map<String, List<String>> TEMPLATES = new HashMap<>();

    static {
        for (int i = 0; i < 150; i++) {
            List<String> lines = new ArrayList<>();
            for (int line = 0; line < 4; line++) {
                lines.add("template " + i + ", line " + line);
            }
            TEMPLATES.put("report-" + i, lines);
        }
    }

    @Override
    public String get() {
        return TEMPLATES.size() + " templates";
    }
}
