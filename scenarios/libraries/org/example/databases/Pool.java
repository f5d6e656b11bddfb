package org.example.databases;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A worker keeps its connection of a HikariCP pool, and closes none of its statements. */
public final class Pool {
    public static void main(String[] args) throws Exception {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl("jdbc:derby:memory:orders;create=true");
        pool.setMaximumPoolSize(3);
        Connection connection = pool.getConnection();
        connection.createStatement().execute("create table orders (id int primary key, text varchar(100))");
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int i = 0; i < 60; i++) {
                PreparedStatement insert = connection.prepareStatement("insert into orders values (?, ?)");
                insert.setInt(1, 1_000 * number + i);
                insert.setString(2, "order " + i);
                insert.executeUpdate();
            }
        });
    }
}
