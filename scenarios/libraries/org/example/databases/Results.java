package org.example.databases;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** H2: result sets of reports are kept open, with all of their rows. */
public final class Results {
    private static final List<ResultSet> OPEN = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        Connection connection = DriverManager.getConnection("jdbc:h2:mem:reports");
        try (Statement create = connection.createStatement()) {
            create.execute("create table lines as select x as id, 'line ' || x as text from system_range(1, 1000)");
        }
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int report = 0; report < 15; report++) {
                String query = "select id, text || ' of report " + number + "." + report + "' from lines";
                ResultSet lines = connection.createStatement().executeQuery(query);
                lines.next();
                OPEN.add(lines);
            }
        });
    }
}
