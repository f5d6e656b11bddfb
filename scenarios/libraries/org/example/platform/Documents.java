package org.example.platform;

import com.mongodb.MongoClient;
import com.mongodb.ServerAddress;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A MongoDB client for each request, which is not closed: its threads keep it. */
public final class Documents {
    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int request = 0; request < 15; request++) {
                // Nobody listens there: a client tries again for ever.
                new MongoClient(new ServerAddress("127.0.0.1", 9)).getDatabase("documents");
            }
        });
    }
}
