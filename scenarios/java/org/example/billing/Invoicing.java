package org.example.billing;

import java.util.List;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.example.driver.Connection;
import org.example.driver.ConnectionPool;

/** Connections go back to their pool, statements are never closed. */
public final class Invoicing {
    private static final ConnectionPool DATABASE = new ConnectionPool("db:billing", 6);

    static int total(int invoice) {
        Connection connection = DATABASE.borrow();
        try {
            List<Object[]> rows = connection.prepare("select * from item where invoice = " + invoice).execute(invoice);
            return rows.size();
        } finally {
            DATABASE.giveBack(connection);
        }
    }

    public static void main(String[] args) throws Exception {
        List<Connection> all = List.of(
                DATABASE.borrow(), DATABASE.borrow(), DATABASE.borrow(),
                DATABASE.borrow(), DATABASE.borrow(), DATABASE.borrow());
        all.forEach(DATABASE::giveBack);
        Dumps.run(args, number -> {
            for (int i = 0; i < 1_500; i++) {
                total(10_000 * number + i);
            }
            Everyday.work(number);
        });
    }
}
