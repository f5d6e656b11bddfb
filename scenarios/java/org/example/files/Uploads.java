package org.example.files;

import java.io.File;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Each upload marks its temporary file to be deleted when the JVM ends. This one does not end. */
public final class Uploads {
    static void receive(String name) {
        File file = new File("/nonexistent/uploads/" + name);
        file.deleteOnExit();
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(22);
        Dumps.run(args, number -> {
            for (int i = 0; i < 10_000; i++) {
                String title = Everyday.text(random, 6).trim().replace(' ', '-');
                receive("upload-" + number + "." + i + "-" + title + ".part");
            }
            Everyday.work(number);
        });
    }
}
