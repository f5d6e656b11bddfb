package com.cloudsdk.http;

import java.util.ArrayDeque;

/** The connections of one route. */
final class RouteSpecificPool {
    private final Route route;
    private final ArrayDeque<ManagedConnection> available = new ArrayDeque<>(4);
    private final int maxLeased;
    private int leased;

    RouteSpecificPool(Route route, int maxLeased) {
        this.route = route;
        this.maxLeased = maxLeased;
    }

    ManagedConnection lease() {
        if (leased == maxLeased) {
            throw new IllegalStateException("no connection is free");
        }
        ManagedConnection connection = available.isEmpty() ? new ManagedConnection(route) : available.pop();
        leased++;
        return connection;
    }

    void release(ManagedConnection connection) {
        leased--;
        available.push(connection);
    }

    void closeIdle(long idleNanos, long nowNanos) {
        available.removeIf(connection -> {
            boolean idle = connection.isIdleLongerThan(idleNanos, nowNanos);
            if (idle) {
                connection.close();
            }
            return idle;
        });
    }

    void closeAll() {
        available.forEach(ManagedConnection::close);
        available.clear();
    }
}
