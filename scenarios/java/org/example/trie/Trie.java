package org.example.trie;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A trie of all addresses that were ever looked up: nodes in maps in nodes. */
public final class Trie {
    static final class Node {
        private final Map<Character, Node> children = new TreeMap<>();
        private String value;
    }

    private final Node root = new Node();
    private static final Trie TRIE = new Trie();

    void put(String key) {
        Node node = root;
        for (char letter : key.toCharArray()) {
            node = node.children.computeIfAbsent(letter, added -> new Node());
        }
        node.value = key;
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(305);
        Dumps.run(args, number -> {
            for (int i = 0; i < 2_500; i++) {
                TRIE.put(Integer.toHexString(random.nextInt()));
            }
            Everyday.work(number);
        });
    }
}
