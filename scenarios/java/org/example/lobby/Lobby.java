package org.example.lobby;

import java.util.Random;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Sessions in a ring of one's own: each knows the next and the one before. None is ever taken out. */
public final class Lobby {
    static final class Session {
        private final String user;
        private Session next = this;
        private Session before = this;

        Session(String user) {
            this.user = user;
        }

        void insert(Session session) {
            session.next = next;
            session.before = this;
            next.before = session;
            next = session;
        }

        @Override
        public String toString() {
            return user + " " + before.user;
        }
    }

    static final class Ring {
        private final Session head = new Session("nobody");
    }

    private static final Ring RING = new Ring();

    public static void main(String[] args) throws Exception {
        Random random = new Random(210);
        Dumps.run(args, number -> {
            for (int i = 0; i < 4_000; i++) {
                RING.head.insert(new Session(Everyday.text(random, 12)));
            }
            Everyday.work(number);
        });
    }
}
