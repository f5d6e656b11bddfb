package com.example.bench;

import com.example.support.Checkpoint;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A heap as services have it: very many small objects, in maps and lists, strings and boxed numbers.
 * The argument is the number of customers; each of them takes about 55 objects. The same heap every time.
 */
public final class SmallObjects {
    private static final Map<String, Customer> CUSTOMERS = new HashMap<>();
    private static final Map<Long, Session> SESSIONS = new ConcurrentHashMap<>();
    private static final TreeMap<Integer, Order> DUE = new TreeMap<>();
    private static final ArrayDeque<Event> EVENTS = new ArrayDeque<>();

    enum Status { OPEN, PAID, SENT }

    static final class Address {
        private final String street;
        private final String city;
        private final int number;

        Address(String street, String city, int number) {
            this.street = street;
            this.city = city;
            this.number = number;
        }
    }

    static final class Customer {
        private final long id;
        private final String name;
        private final Address address;
        private final Map<String, Integer> attributes = new HashMap<>(8);
        private final List<Order> orders = new ArrayList<>(4);
        private final List<Long> visits = new LinkedList<>();
        private Double rating;

        Customer(long id, String name, Address address) {
            this.id = id;
            this.name = name;
            this.address = address;
        }
    }

    static final class Order {
        private final long id;
        private final Customer customer;
        private final Status status;
        private Line lines;
        private int cents;
        private long created;

        Order(long id, Customer customer, Status status) {
            this.id = id;
            this.customer = customer;
            this.status = status;
        }
    }

    static final class Line {
        private final Line next;
        private final String article;
        private final int count;
        private final int cents;

        Line(Line next, String article, int count, int cents) {
            this.next = next;
            this.article = article;
            this.count = count;
            this.cents = cents;
        }
    }

    static final class Session {
        private final Customer customer;
        private final byte[] token;
        private final int[] pages;
        private long expires;

        Session(Customer customer, byte[] token, int[] pages) {
            this.customer = customer;
            this.token = token;
            this.pages = pages;
        }
    }

    static final class Event {
        private final Object subject;
        private final long time;
        private final char kind;

        Event(Object subject, long time, char kind) {
            this.subject = subject;
            this.time = time;
            this.kind = kind;
        }
    }

    private static Customer customer(long id, Random random) {
        String street = "Street of the " + random.nextInt(5_000) + " houses";
        Address address = new Address(street, "City number " + random.nextInt(300), random.nextInt(200));
        Customer customer = new Customer(id, "Customer " + Long.toString(id, 36), address);
        customer.rating = random.nextDouble();
        for (int i = random.nextInt(4); i >= 0; i--) {
            customer.attributes.put("attribute" + i, 1_000 + random.nextInt(1_000_000));
        }
        for (int i = random.nextInt(6); i >= 0; i--) {
            customer.visits.add(1_600_000_000_000L + random.nextInt());
        }
        return customer;
    }

    private static Order order(int id, Customer customer, Random random) {
        Order order = new Order(id, customer, Status.values()[random.nextInt(3)]);
        order.created = 1_600_000_000_000L + random.nextInt();
        for (int i = random.nextInt(5); i >= 0; i--) {
            int cents = random.nextInt(10_000);
            String article = "article " + random.nextInt(1_000_000) + " of supplier " + random.nextInt(1_000);
            order.cents += cents;
            order.lines = new Line(order.lines, article, 1 + random.nextInt(9), cents);
        }
        return order;
    }

    public static void main(String[] args) throws Exception {
        int customers = Integer.parseInt(args[0]);
        Random random = new Random(17);
        int orders = 0;
        for (int id = 0; id < customers; id++) {
            Customer customer = customer(id, random);
            CUSTOMERS.put("customer-" + id + "@mail.example.com", customer);
            for (int i = random.nextInt(4); i > 0; i--, orders++) {
                Order order = order(orders, customer, random);
                customer.orders.add(order);
                DUE.put(orders, order);
                EVENTS.add(new Event(order, order.created, 'o'));
            }
            if (random.nextInt(3) == 0) {
                byte[] token = new byte[64 + random.nextInt(64)];
                random.nextBytes(token);
                Session session = new Session(customer, token, new int[random.nextInt(30)]);
                session.expires = 1_700_000_000_000L + random.nextInt();
                SESSIONS.put((long) id, session);
                EVENTS.add(new Event(session, session.expires, 's'));
            }
        }
        Checkpoint.reach();
    }
}
