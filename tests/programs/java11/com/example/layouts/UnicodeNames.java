package com.example.layouts;

import com.example.support.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Names outside ASCII: classes, fields, methods, a thread; one name lies outside the basic plane. */
public final class UnicodeNames {
    static final List<Object> größen = new ArrayList<>();

    static class Größe {
        int höhe;
        byte überlauf;
    }

    static class 日本語クラス extends Größe {
        Object 値;
        boolean 有効;
    }

    static class Ελληνικά {
        String λέξη = "αβγ";
        日本語クラス[] πίνακας = new 日本語クラス[3];
    }

    static class Плагин {
        long счётчик;
        short 𝒳axis;
    }

    static final class 𝒮cript extends Плагин {
        char 𠮷 = '\u00e9';
    }

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < 10; i++) {
            größen.add(new Größe());
            größen.add(new 日本語クラス());
            größen.add(new Ελληνικά());
            größen.add(new Плагин());
            größen.add(new 𝒮cript());
            größen.add("текст " + i + " \ud83d\ude80");
        }
        CountDownLatch started = new CountDownLatch(1);
        Thread thread = new Thread(() -> 待つ(started), "Überwachung-監視-🚀");
        thread.setDaemon(true);
        thread.start();
        started.await();
        Checkpoint.reach();
    }

    private static void 待つ(CountDownLatch started) {
        Größe lokale = new Größe();
        started.countDown();
        synchronized (lokale) {
            try {
                lokale.wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
