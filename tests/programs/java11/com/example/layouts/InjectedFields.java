package com.example.layouts;

import com.example.support.Checkpoint;
import java.lang.invoke.CallSite;
import java.lang.invoke.ConstantCallSite;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.lang.invoke.VolatileCallSite;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Classes to which the JVM adds fields that no dump shows, and subclasses that begin after those fields. */
public final class InjectedFields {
    private static final List<Object> KEPT = new ArrayList<>();

    static final class NamedSite extends MutableCallSite {
        private final byte number;
        private final Object owner;

        NamedSite(MethodHandle target, int number) {
            super(target);
            this.number = (byte) number;
            this.owner = this;
        }
    }

    static final class CodedError extends InternalError {
        private static final long serialVersionUID = 1;
        private final byte code;
        private final short detail;

        CodedError(int code) {
            super("coded");
            this.code = (byte) code;
            this.detail = (short) code;
        }
    }

    static final class TaggedLoader extends ClassLoader {
        private final boolean tagged;
        private final int number;

        TaggedLoader(int number) {
            super("tagged-" + number, null);
            this.tagged = true;
            this.number = number;
        }
    }

    static final class TaggedThread extends Thread {
        private byte tag;
        private boolean flag;
        private short half;

        TaggedThread(int number) {
            super(null, null, "tagged-" + number, 0, false);
            tag = (byte) number;
        }
    }

    public static void main(String[] args) throws Throwable {
        for (int i = 0; i < 7; i++) {
            MethodHandle constant = MethodHandles.constant(String.class, "value " + i);
            CallSite[] sites = {
                new ConstantCallSite(constant), new MutableCallSite(constant), new VolatileCallSite(constant),
                new NamedSite(constant, i),
            };
            for (CallSite site : sites) {
                KEPT.add(site);
                // Linked, so that the JVM fills in what it added.
                KEPT.add(site.dynamicInvoker().invoke());
            }
            KEPT.add(new InternalError("kept"));
            KEPT.add(new CodedError(i));
            KEPT.add(new TaggedLoader(i));
            KEPT.add(new TaggedThread(i));
            KEPT.add(framesBelow(i));
            KEPT.add(MethodHandles.lookup().findStatic(InjectedFields.class, "framesBelow",
                    MethodType.methodType(List.class, int.class)));
        }
        Checkpoint.reach();
    }

    private static List<StackWalker.StackFrame> framesBelow(int depth) {
        if (depth > 0) {
            return framesBelow(depth - 1);
        }
        return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.collect(Collectors.toList()));
    }
}
