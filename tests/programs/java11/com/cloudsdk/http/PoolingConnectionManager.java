package com.cloudsdk.http;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** Pools connections by route. One manager belongs to one client. */
public final class PoolingConnectionManager implements HttpClientConnectionManager {
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Route, RouteSpecificPool> routeToPool = new HashMap<>(4);
    private final int maxPerRoute;
    private boolean isShutDown;

    public PoolingConnectionManager(int maxPerRoute) {
        this.maxPerRoute = maxPerRoute;
    }

    @Override
    public ManagedConnection lease(Route route) {
        lock.lock();
        try {
            if (isShutDown) {
                throw new IllegalStateException("connection pool shut down");
            }
            return routeToPool.computeIfAbsent(route, r -> new RouteSpecificPool(r, maxPerRoute)).lease();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void release(ManagedConnection connection, long nowNanos) {
        lock.lock();
        try {
            connection.markIdle(nowNanos);
            routeToPool.get(connection.route).release(connection);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void closeIdleConnections(long idleNanos, long nowNanos) {
        lock.lock();
        try {
            routeToPool.values().forEach(pool -> pool.closeIdle(idleNanos, nowNanos));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void shutdown() {
        lock.lock();
        try {
            isShutDown = true;
            routeToPool.values().forEach(RouteSpecificPool::closeAll);
            routeToPool.clear();
        } finally {
            lock.unlock();
        }
    }
}
