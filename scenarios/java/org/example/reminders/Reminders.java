package org.example.reminders;

import java.util.Random;
import java.util.Timer;
import java.util.TimerTask;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Reminders for next month, in a timer: none is cancelled when its appointment is. */
public final class Reminders {
    static final class Reminder extends TimerTask {
        private final String appointment;

        Reminder(String appointment) {
            this.appointment = appointment;
        }

        @Override
        public void run() {
            System.out.println(appointment);
        }
    }

    private static final Timer TIMER = new Timer("reminders", true);

    public static void main(String[] args) throws Exception {
        Random random = new Random(208);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                TIMER.schedule(new Reminder(Everyday.text(random, 12)), 2_000_000_000L + random.nextInt(100_000_000));
            }
            Everyday.work(number);
        });
    }
}
