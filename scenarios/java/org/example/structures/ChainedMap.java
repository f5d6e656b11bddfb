package org.example.structures;

/** A hash table of one's own, with chains. */
public final class ChainedMap<K, V> {
    static final class Node<K, V> {
        final K key;
        V value;
        Node<K, V> next;

        Node(K key, V value, Node<K, V> next) {
            this.key = key;
            this.value = value;
            this.next = next;
        }
    }

    private Node<K, V>[] table = table(16);
    private int size;

    @SuppressWarnings("unchecked")
    private static <K, V> Node<K, V>[] table(int length) {
        return new Node[length];
    }

    public void put(K key, V value) {
        if (size++ > table.length * 3 / 4) {
            Node<K, V>[] old = table;
            table = table(2 * old.length);
            for (Node<K, V> node : old) {
                while (node != null) {
                    Node<K, V> next = node.next;
                    node.next = table[place(node.key)];
                    table[place(node.key)] = node;
                    node = next;
                }
            }
        }
        table[place(key)] = new Node<>(key, value, table[place(key)]);
    }

    private int place(K key) {
        int hash = key.hashCode();
        return (hash ^ hash >>> 16) & table.length - 1;
    }
}
