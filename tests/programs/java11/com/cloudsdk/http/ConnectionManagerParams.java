package com.cloudsdk.http;

/** How the reaper treats one manager. */
final class ConnectionManagerParams {
    final long maxIdleNanos;

    ConnectionManagerParams(long maxIdleNanos) {
        this.maxIdleNanos = maxIdleNanos;
    }
}
