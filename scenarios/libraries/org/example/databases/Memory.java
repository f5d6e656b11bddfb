package org.example.databases;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.Statement;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** An H2 database in memory, of which nothing is ever deleted. */
public final class Memory {
    public static void main(String[] args) throws Exception {
        String url = "jdbc:h2:mem:audit;DB_CLOSE_DELAY=-1";
        try (Connection connection = DriverManager.getConnection(url);
                Statement create = connection.createStatement()) {
            create.execute("create table audit (id int primary key, text varchar(100))");
        }
        Dumps.run(args, number -> {
            Everyday.work(number);
            try (Connection connection = DriverManager.getConnection(url);
                    PreparedStatement insert = connection.prepareStatement("insert into audit values (?, ?)")) {
                for (int i = 0; i < 4_000; i++) {
                    insert.setInt(1, 10_000 * number + i);
                    insert.setString(2, "somebody did something " + number + "." + i);
                    insert.executeUpdate();
                }
            }
        });
    }
}
