package org.sentinelle.internal;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The way through the platform's foreign function interface, which is final since Java 22.
 *
 * <p>It is reached by reflection, once at the start, so that the same classes load on Java 17. Pointers are passed as numbers
 * of 64 bits, which is how the calling conventions pass them.
 */
final class FfmBridge extends Bridge {
    private static final Object[] NOTHING = new Object[0];

    private final MethodHandle addressOf;
    private final MethodHandle view;
    private final MethodHandle text;

    private FfmBridge(Abi abi, Foreign foreign) throws ReflectiveOperationException {
        super(abi);
        addressOf = foreign.addressOf();
        view = foreign.view();
        text = foreign.text();
    }

    static Bridge open(String library) {
        try {
            Foreign foreign = new Foreign(library);
            Map<Method, MethodHandle> handles = new HashMap<>();
            for (Method method : Abi.class.getMethods()) {
                handles.put(method, foreign.function(method));
            }
            Abi abi = (Abi) Proxy.newProxyInstance(
                    Abi.class.getClassLoader(),
                    new Class<?>[] {Abi.class},
                    (proxy, method, arguments) ->
                            handles.get(method).invokeExact(arguments == null ? NOTHING : arguments));
            return new FfmBridge(abi, foreign);
        } catch (ReflectiveOperationException failed) {
            throw (Error) new UnsatisfiedLinkError("cannot link " + library + ": " + cause(failed)).initCause(failed);
        }
    }

    private static Throwable cause(Throwable failed) {
        return failed.getCause() == null ? failed : failed.getCause();
    }

    @Override
    public String name() {
        return "ffm";
    }

    @Override
    long addressOf(ByteBuffer direct) {
        try {
            return (long) addressOf.invokeExact((Buffer) direct);
        } catch (Throwable failed) {
            throw new IllegalStateException(failed);
        }
    }

    @Override
    public String text(long address) {
        try {
            return address == 0 ? "" : (String) text.invokeExact(address, 0L);
        } catch (Throwable failed) {
            throw new IllegalStateException(failed);
        }
    }

    @Override
    ByteBuffer view(long address, long length) {
        try {
            return ((ByteBuffer) view.invokeExact(address, length)).order(ByteOrder.nativeOrder());
        } catch (Throwable failed) {
            throw new IllegalStateException(failed);
        }
    }

    /** The classes of the interface, looked up by name. */
    private static final class Foreign {
        private final Class<?> layout = Class.forName("java.lang.foreign.MemoryLayout");
        private final Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        private final Class<?> descriptor = Class.forName("java.lang.foreign.FunctionDescriptor");
        private final Class<?> option = Class.forName("java.lang.foreign.Linker$Option");
        private final Class<?> linkerType = Class.forName("java.lang.foreign.Linker");
        private final Object linker = linkerType.getMethod("nativeLinker").invoke(null);
        private final Object symbols;
        private final Method find;

        Foreign(String library) throws ReflectiveOperationException {
            Class<?> arenaType = Class.forName("java.lang.foreign.Arena");
            Class<?> lookupType = Class.forName("java.lang.foreign.SymbolLookup");
            Object arena = arenaType.getMethod("global").invoke(null);
            Path path = Path.of(library);
            symbols = path.isAbsolute()
                    ? lookupType.getMethod("libraryLookup", Path.class, arenaType).invoke(null, path, arena)
                    : lookupType.getMethod("libraryLookup", String.class, arenaType).invoke(null, library, arena);
            find = lookupType.getMethod("find", String.class);
        }

        /** A function as a handle from an array of boxed arguments to a boxed result. */
        MethodHandle function(Method method) throws ReflectiveOperationException {
            Object found = ((Optional<?>) find.invoke(symbols, method.getName()))
                    .orElseThrow(() -> new NoSuchMethodException(method.getName()));
            Class<?>[] parameters = method.getParameterTypes();
            Object layouts = Array.newInstance(layout, parameters.length);
            for (int index = 0; index < parameters.length; index++) {
                Array.set(layouts, index, layoutOf(parameters[index]));
            }
            boolean isVoid = method.getReturnType() == void.class;
            Object signature = isVoid
                    ? descriptor.getMethod("ofVoid", layouts.getClass()).invoke(null, layouts)
                    : descriptor.getMethod("of", layout, layouts.getClass())
                            .invoke(null, layoutOf(method.getReturnType()), layouts);
            Object options = Array.newInstance(option, 0);
            MethodHandle handle = (MethodHandle) linkerType
                    .getMethod("downcallHandle", segment, descriptor, options.getClass())
                    .invoke(linker, found, signature, options);
            return handle.asType(MethodType.methodType(method.getReturnType(), parameters))
                    .asSpreader(Object[].class, parameters.length)
                    .asType(MethodType.methodType(Object.class, Object[].class));
        }

        MethodHandle addressOf() throws ReflectiveOperationException {
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            MethodHandle ofBuffer =
                    lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
            MethodHandle address = lookup.findVirtual(segment, "address", MethodType.methodType(long.class));
            return MethodHandles.filterReturnValue(ofBuffer, address);
        }

        /** Memory at an address, of a length. */
        private MethodHandle memory() throws ReflectiveOperationException {
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            MethodHandle at = lookup.findStatic(segment, "ofAddress", MethodType.methodType(segment, long.class));
            // Restricted methods are linked for their caller, which has to be a named class.
            MethodHandle sized = MethodHandles.lookup()
                    .findVirtual(segment, "reinterpret", MethodType.methodType(segment, long.class));
            return MethodHandles.filterArguments(sized, 0, at);
        }

        MethodHandle view() throws ReflectiveOperationException {
            MethodHandle buffer = MethodHandles.publicLookup()
                    .findVirtual(segment, "asByteBuffer", MethodType.methodType(ByteBuffer.class));
            return MethodHandles.filterReturnValue(memory(), buffer);
        }

        /** The text that begins at an address plus an offset. */
        MethodHandle text() throws ReflectiveOperationException {
            MethodHandle string = MethodHandles.publicLookup()
                    .findVirtual(segment, "getString", MethodType.methodType(String.class, long.class));
            MethodHandle endless = MethodHandles.insertArguments(memory(), 1, Long.MAX_VALUE);
            return MethodHandles.filterArguments(string, 0, endless);
        }

        private Object layoutOf(Class<?> type) throws ReflectiveOperationException {
            String name = switch (type.getName()) {
                case "int" -> "JAVA_INT";
                case "long" -> "JAVA_LONG";
                case "double" -> "JAVA_DOUBLE";
                default -> throw new NoSuchFieldException(Arrays.asList(type, "has no layout").toString());
            };
            return Class.forName("java.lang.foreign.ValueLayout").getField(name).get(null);
        }
    }
}
