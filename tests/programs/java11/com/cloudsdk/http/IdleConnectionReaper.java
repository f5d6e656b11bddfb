package com.cloudsdk.http;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Closes idle connections of every registered manager from one daemon thread. A manager stays registered, and so
 * alive, until its client is closed: that is the trap which applications fall into.
 */
public final class IdleConnectionReaper extends Thread {
    private static final long PERIOD_MILLIS = TimeUnit.MINUTES.toMillis(1);
    private static final Map<HttpClientConnectionManager, ConnectionManagerParams> connectionManagers =
            new HashMap<>();
    private static IdleConnectionReaper instance;

    private volatile boolean shuttingDown;

    private IdleConnectionReaper() {
        super("java-sdk-http-connection-reaper");
        setDaemon(true);
    }

    static synchronized boolean registerConnectionManager(HttpClientConnectionManager manager, long maxIdleNanos) {
        if (instance == null) {
            instance = new IdleConnectionReaper();
            instance.start();
        }
        return connectionManagers.put(manager, new ConnectionManagerParams(maxIdleNanos)) == null;
    }

    static synchronized boolean removeConnectionManager(HttpClientConnectionManager manager) {
        boolean removed = connectionManagers.remove(manager) != null;
        if (connectionManagers.isEmpty() && instance != null) {
            instance.shuttingDown = true;
            instance.interrupt();
            instance = null;
        }
        return removed;
    }

    @Override
    public void run() {
        while (!shuttingDown) {
            try {
                Thread.sleep(PERIOD_MILLIS);
            } catch (InterruptedException e) {
                continue;
            }
            Map<HttpClientConnectionManager, ConnectionManagerParams> snapshot;
            synchronized (IdleConnectionReaper.class) {
                snapshot = new HashMap<>(connectionManagers);
            }
            long now = System.nanoTime();
            snapshot.forEach((manager, params) -> manager.closeIdleConnections(params.maxIdleNanos, now));
        }
    }
}
