package com.cloudsdk.http;

import java.util.concurrent.TimeUnit;

/** Registers its connection manager with the reaper when made, and takes it out only in {@link #close()}. */
public final class SdkHttpClient implements AutoCloseable {
    private static final int MAX_CONNECTIONS_PER_ROUTE = 50;
    private static final long MAX_IDLE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final HttpClientConnectionManager connectionManager =
            new PoolingConnectionManager(MAX_CONNECTIONS_PER_ROUTE);

    public SdkHttpClient() {
        IdleConnectionReaper.registerConnectionManager(connectionManager, MAX_IDLE_NANOS);
    }

    public int put(Route route, byte[] body) {
        ManagedConnection connection = connectionManager.lease(route);
        try {
            return connection.exchange(body);
        } finally {
            connectionManager.release(connection, System.nanoTime());
        }
    }

    @Override
    public void close() {
        IdleConnectionReaper.removeConnectionManager(connectionManager);
        connectionManager.shutdown();
    }
}
