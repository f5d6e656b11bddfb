package com.cloudsdk.http;

/** One pooled connection; this imitation never opens a socket. */
public final class ManagedConnection {
    final Route route;
    private final byte[] sessionBuffer = new byte[64];
    private long requestCount;
    private long idleSinceNanos;
    private boolean open = true;

    ManagedConnection(Route route) {
        this.route = route;
    }

    /** Answers as a server would: with a status. */
    int exchange(byte[] request) {
        requestCount++;
        System.arraycopy(request, 0, sessionBuffer, 0, Math.min(request.length, sessionBuffer.length));
        return 200;
    }

    void markIdle(long nowNanos) {
        idleSinceNanos = nowNanos;
    }

    boolean isIdleLongerThan(long idleNanos, long nowNanos) {
        return open && nowNanos - idleSinceNanos > idleNanos;
    }

    void close() {
        open = false;
    }
}
