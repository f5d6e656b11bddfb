package org.example.diary;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** What happened today, in a list that begins anew at midnight, which is between the third dump and the fourth. */
public final class Diary {
    private static List<String> today = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        Random random = new Random(230);
        Dumps.run(args, number -> {
            for (int i = 0; i < 5_000; i++) {
                if (number == 4 && i == 1_500) {
                    today = new ArrayList<>();
                }
                today.add(Everyday.text(random, 14) + number + "." + i);
            }
            Everyday.work(number);
        });
    }
}
