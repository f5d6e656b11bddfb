package org.example.structures;

/** A hash table of one's own: keys in one array, values in another. */
public final class OpenMap {
    private Object[] keys = new Object[16];
    private Object[] values = new Object[16];
    private int size;

    public void put(Object key, Object value) {
        if (3 * size > 2 * keys.length) {
            Object[] oldKeys = keys;
            Object[] oldValues = values;
            keys = new Object[2 * oldKeys.length];
            values = new Object[2 * oldKeys.length];
            size = 0;
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] != null) {
                    put(oldKeys[i], oldValues[i]);
                }
            }
        }
        int at = key.hashCode() * 0x9E3779B9 >>> 8 & keys.length - 1;
        while (keys[at] != null && !keys[at].equals(key)) {
            at = at + 1 & keys.length - 1;
        }
        size += keys[at] == null ? 1 : 0;
        keys[at] = key;
        values[at] = value;
    }

    public int size() {
        return size;
    }
}
