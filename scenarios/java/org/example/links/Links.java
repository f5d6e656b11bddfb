package org.example.links;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A pool of connections that grows with the load, to at most 200. There are 90 at the last dump. */
public final class Links {
    static final class Link {
        private final byte[] buffer = new byte[16_384];
        private final String peer;

        Link(String peer) {
            this.peer = peer;
            buffer[0] = (byte) peer.length();
        }
    }

    static final class Pool {
        private final int maxPoolSize;
        private final List<Link> links = new ArrayList<>();

        Pool(int maxPoolSize) {
            this.maxPoolSize = maxPoolSize;
        }

        void grow(int size, Random random) {
            while (links.size() < Math.min(size, maxPoolSize)) {
                links.add(new Link(Everyday.text(random, 2)));
            }
        }
    }

    private static final Pool POOL = new Pool(200);

    public static void main(String[] args) throws Exception {
        Random random = new Random(225);
        Dumps.run(args, number -> {
            POOL.grow(15 * number, random);
            Everyday.work(number);
        });
    }
}
