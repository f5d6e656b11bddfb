package org.example.base;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** Lets a program work and dump itself in turn. Arguments of the program: DIRECTORY [DUMPS]. */
public final class Dumps {
    /** What a program does before a dump; dumps are numbered from 1. */
    public interface Interval {
        void work(int number) throws Exception;
    }

    private static final Instant START = Instant.parse("2026-03-02T06:00:00Z");
    private static final int MINUTES = 15;
    /** Where the time stands: after "JAVA PROFILE 1.0.2\0" and the size of identifiers. */
    private static final int TIME_OFFSET = 23;

    private static int count;

    /** How many dumps there will be. */
    public static int count() {
        return count;
    }

    public static void run(String[] args, Interval interval) {
        try {
            dump(args, interval);
        } catch (Throwable failure) {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        // Not exit: threads that never end, and hooks, are part of some programs.
        Runtime.getRuntime().halt(0);
    }

    private static void dump(String[] args, Interval interval) throws Exception {
        Path directory = Files.createDirectories(Path.of(args[0]));
        count = args.length > 1 ? Integer.parseInt(args[1]) : 6;
        var diagnostics = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        for (int number = 1; number <= count; number++) {
            interval.work(number);
            // What was cleared and enqueued now is seen by the program before the dump, not after it.
            System.gc();
            Thread.sleep(30);
            Path file = directory.resolve(number + ".hprof");
            Files.deleteIfExists(file);
            diagnostics.dumpHeap(file.toString(), true);
            setTime(file, START.plusSeconds(60L * MINUTES * number));
        }
    }

    /** An interval stands for a quarter of an hour, however fast the machine is. */
    private static void setTime(Path file, Instant time) throws IOException {
        try (RandomAccessFile header = new RandomAccessFile(file.toFile(), "rw")) {
            header.seek(TIME_OFFSET);
            header.writeLong(time.toEpochMilli());
        }
    }
}
