package org.example.billing;

import java.util.ArrayDeque;
import java.util.Deque;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.example.driver.Connection;
import org.example.driver.ConnectionPool;
import org.example.driver.Statement;

/** A pool grows to its maximum of 40 connections; each keeps a prepared statement with rows. All others are closed. */
public final class Statements {
    private static final ConnectionPool DATABASE = new ConnectionPool("db:statements", 40);

    static final class Kept {
        private static final Deque<Statement> PREPARED = new ArrayDeque<>();
    }

    public static void main(String[] args) throws Exception {
        Dumps.run(args, number -> {
            int wanted = Math.min(40, 12 * number);
            Deque<Connection> borrowed = new ArrayDeque<>();
            for (int i = 0; i < wanted; i++) {
                borrowed.add(DATABASE.borrow());
            }
            for (Connection connection : borrowed) {
                if (Kept.PREPARED.size() < wanted) {
                    Statement prepared = connection.prepare("select * from statement");
                    for (int i = 0; i < 150; i++) {
                        prepared.execute(i);
                    }
                    Kept.PREPARED.add(prepared);
                }
                for (int i = 0; i < 50; i++) {
                    try (Statement statement = connection.prepare("select " + i)) {
                        statement.execute(i);
                    }
                }
                DATABASE.giveBack(connection);
            }
            Everyday.work(number);
        });
    }
}
