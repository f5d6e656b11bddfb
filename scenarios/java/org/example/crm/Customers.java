package org.example.crm;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Customers are in an index by number and in one by name. Neither is ever cleaned, and neither alone keeps them. */
public final class Customers {
    record Address(String street, String town) {}

    record Customer(long number, String name, Address address, byte[] picture) {}

    static final class ByNumber {
        private static final Map<Long, Customer> CUSTOMERS = new HashMap<>();
    }

    static final class ByName {
        private static final Map<String, Customer> CUSTOMERS = new TreeMap<>();
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(25);
        Dumps.run(args, number -> {
            for (int i = 0; i < 3_000; i++) {
                long id = 100_000L * number + i;
                Address address = new Address(Everyday.text(random, 2), Everyday.text(random, 1));
                Customer customer = new Customer(id, Everyday.text(random, 2) + id, address, new byte[200]);
                ByNumber.CUSTOMERS.put(id, customer);
                ByName.CUSTOMERS.put(customer.name(), customer);
            }
            Everyday.work(number);
        });
    }
}
