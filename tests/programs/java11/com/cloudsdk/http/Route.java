package com.cloudsdk.http;

/** Where a connection leads. */
public final class Route {
    private final String host;
    private final int port;
    private final boolean secure;

    public Route(String host, int port, boolean secure) {
        this.host = host;
        this.port = port;
        this.secure = secure;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Route)) {
            return false;
        }
        Route that = (Route) other;
        return port == that.port && secure == that.secure && host.equals(that.host);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * host.hashCode() + port) + (secure ? 1 : 0);
    }
}
