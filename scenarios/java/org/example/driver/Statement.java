package org.example.driver;

import java.util.ArrayList;
import java.util.List;

/** A statement and the rows that it has fetched. */
public final class Statement implements AutoCloseable {
    private final Connection connection;
    private final String sql;
    private final List<Object[]> rows = new ArrayList<>();

    Statement(Connection connection, String sql) {
        this.connection = connection;
        this.sql = sql;
    }

    public List<Object[]> execute(int parameter) {
        for (int i = 0; i < 8; i++) {
            rows.add(new Object[] {"row " + parameter + "." + i, (long) parameter * i, sql.length()});
        }
        return rows;
    }

    @Override
    public void close() {
        rows.clear();
        connection.closed(this);
    }
}
