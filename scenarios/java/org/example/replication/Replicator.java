package org.example.replication;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Events are written to one stream of objects, which remembers all it has written until it is reset. */
public final class Replicator {
    record Event(String id, String text, long[] versions) implements Serializable {}

    private static final Replicator REPLICATOR = new Replicator(OutputStream.nullOutputStream());

    private final ObjectOutputStream replica;

    Replicator(OutputStream connection) {
        try {
            replica = new ObjectOutputStream(connection);
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    void send(Event event) throws IOException {
        replica.writeObject(event);
        replica.flush();
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(29);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                REPLICATOR.send(new Event("event-" + number + "." + i, Everyday.text(random, 15), new long[8]));
            }
            Everyday.work(number);
        });
    }
}
