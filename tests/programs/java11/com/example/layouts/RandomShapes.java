package com.example.layouts;

import com.example.support.Checkpoint;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Classes nobody thought of: random inheritance chains with random instance and static fields, written as class
 * files at run time. Arguments: seed (default 1), number of classes (default 300).
 */
public final class RandomShapes {
    private static final String[] FIELD_TYPES = {"Z", "B", "S", "C", "I", "F", "J", "D", "Ljava/lang/Object;", "[I"};
    private static final int ACC_PUBLIC = 1;
    private static final int ACC_STATIC = 8;
    private static final int ACC_SUPER = 32;
    private static final int MAX_FIELDS = 9;
    private static final List<Object> INSTANCES = new ArrayList<>();

    private static final class ShapeLoader extends ClassLoader {
        ShapeLoader() {
            super(RandomShapes.class.getClassLoader());
        }

        Class<?> define(byte[] code) {
            return defineClass(null, code, 0, code.length);
        }
    }

    private final Random random;
    private final ShapeLoader loader = new ShapeLoader();

    private RandomShapes(long seed) {
        random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        long seed = args.length > 0 ? Long.parseLong(args[0]) : 1;
        int classes = args.length > 1 ? Integer.parseInt(args[1]) : 300;
        new RandomShapes(seed).fill(classes);
        Checkpoint.reach();
    }

    private void fill(int classes) throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < classes; i++) {
            String parent = "java/lang/Object";
            if (!names.isEmpty() && random.nextInt(8) != 0) {
                // Mostly one of the newest, so that chains get deep.
                parent = names.get(names.size() - 1 - random.nextInt(Math.min(4, names.size())));
            }
            String name = "generated/Shape" + i;
            names.add(name);
            Class<?> shape = loader.define(classFile(name, parent));
            for (int n = 1 + random.nextInt(8); n > 0; n--) {
                INSTANCES.add(shape.getConstructor().newInstance());
            }
        }
    }

    private byte[] classFile(String name, String parent) throws IOException {
        int fields = random.nextInt(MAX_FIELDS);
        // 1 name, 2 class, 3 parent, 4 class, 5 <init>, 6 ()V, 7 Code, 8 NameAndType, 9 Methodref, then field names
        // and the field types.
        int firstFieldName = 10;
        int firstFieldType = firstFieldName + fields;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(0xCAFEBABE);
        out.writeInt(52);
        out.writeShort(firstFieldType + FIELD_TYPES.length);
        utf8(out, name);
        reference(out, 7, 1);
        utf8(out, parent);
        reference(out, 7, 3);
        utf8(out, "<init>");
        utf8(out, "()V");
        utf8(out, "Code");
        reference(out, 12, 5, 6);
        reference(out, 10, 4, 8);
        for (int i = 0; i < fields; i++) {
            utf8(out, "f" + i);
        }
        for (String type : FIELD_TYPES) {
            utf8(out, type);
        }
        out.writeShort(ACC_PUBLIC | ACC_SUPER);
        out.writeShort(2);
        out.writeShort(4);
        out.writeShort(0);
        out.writeShort(fields);
        // Few types per class: many equal fields in a row behave differently from a mixture.
        int typesOfThisClass = 1 + random.nextInt(FIELD_TYPES.length);
        int offset = random.nextInt(FIELD_TYPES.length);
        for (int i = 0; i < fields; i++) {
            out.writeShort(random.nextInt(5) == 0 ? ACC_PUBLIC | ACC_STATIC : ACC_PUBLIC);
            out.writeShort(firstFieldName + i);
            out.writeShort(firstFieldType + (offset + random.nextInt(typesOfThisClass)) % FIELD_TYPES.length);
            out.writeShort(0);
        }
        out.writeShort(1);
        constructor(out);
        out.writeShort(0);
        return bytes.toByteArray();
    }

    /** {@code super()} and nothing else. */
    private static void constructor(DataOutputStream out) throws IOException {
        byte[] code = {0x2a, (byte) 0xb7, 0, 9, (byte) 0xb1};
        out.writeShort(ACC_PUBLIC);
        out.writeShort(5);
        out.writeShort(6);
        out.writeShort(1);
        out.writeShort(7);
        out.writeInt(12 + code.length);
        out.writeShort(1);
        out.writeShort(1);
        out.writeInt(code.length);
        out.write(code);
        out.writeShort(0);
        out.writeShort(0);
    }

    private static void utf8(DataOutputStream out, String text) throws IOException {
        out.writeByte(1);
        out.writeUTF(text);
    }

    private static void reference(DataOutputStream out, int tag, int... indexes) throws IOException {
        out.writeByte(tag);
        for (int index : indexes) {
            out.writeShort(index);
        }
    }
}
