package com.cloudsdk.http;

/** What the reaper knows of a connection manager. */
public interface HttpClientConnectionManager {
    ManagedConnection lease(Route route);

    void release(ManagedConnection connection, long nowNanos);

    void closeIdleConnections(long idleNanos, long nowNanos);

    void shutdown();
}
