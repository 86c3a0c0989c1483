package org.sentinelle.internal;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The way through JNA. */
final class JnaBridge extends Bridge {
    private JnaBridge(Abi abi) {
        super(abi);
    }

    static Bridge open(String library) {
        Native.register(JnaAbi.class, NativeLibrary.getInstance(library));
        return new JnaBridge(new JnaAbi());
    }

    @Override
    public String name() {
        return "jna";
    }

    @Override
    long addressOf(ByteBuffer direct) {
        return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
    }

    @Override
    ByteBuffer view(long address, long length) {
        return new Pointer(address).getByteBuffer(0, length).order(ByteOrder.nativeOrder());
    }

    @Override
    public String text(long address) {
        return address == 0 ? "" : new Pointer(address).getString(0, "UTF-8");
    }
}
