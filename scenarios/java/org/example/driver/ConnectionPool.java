package org.example.driver;

import java.util.ArrayDeque;
import java.util.Deque;

/** Connections, made when they are wanted and kept afterwards, up to a number. */
public final class ConnectionPool {
    private final String url;
    private final int maximum;
    private final Deque<Connection> idle = new ArrayDeque<>();
    private int made;

    public ConnectionPool(String url, int maximum) {
        this.url = url;
        this.maximum = maximum;
    }

    public Connection borrow() {
        if (idle.isEmpty() && made < maximum) {
            return new Connection(url + "#" + made++);
        }
        return idle.removeFirst();
    }

    public void giveBack(Connection connection) {
        idle.addLast(connection);
    }
}
