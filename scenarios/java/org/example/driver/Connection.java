package org.example.driver;

import java.util.ArrayList;
import java.util.List;

/** A connection closes its statements when it is closed, so it has to know them. */
public final class Connection implements AutoCloseable {
    private final String url;
    private final List<Statement> openStatements = new ArrayList<>();

    Connection(String url) {
        this.url = url;
    }

    public Statement prepare(String sql) {
        Statement statement = new Statement(this, sql);
        openStatements.add(statement);
        return statement;
    }

    void closed(Statement statement) {
        openStatements.remove(statement);
    }

    @Override
    public void close() {
        new ArrayList<>(openStatements).forEach(Statement::close);
    }

    @Override
    public String toString() {
        return url;
    }
}
