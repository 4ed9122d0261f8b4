// Speaks the step protocol (docs/protocol.md) for the class `MemcaseCase` around a snippet.
//
// A turn allocates nothing: one buffer for orders, and a mapped slot of which it changes a
// number. The beans of the JVM make objects when they are read, which is right after a
// collection, and the next one takes them.

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryPoolMXBean;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

final class Memcase {
    private static final int COLLECTS = 1, HEAP = 2, EXTERNAL = 8, FULL = 32;
    /** How long to wait for the JVM to hand on what a collection found dead. */
    private static final long PATIENCE_MS = 100;

    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();
    static final List<MemoryPoolMXBean> CLASSES = new ArrayList<>();
    static final List<BufferPoolMXBean> BUFFERS = new ArrayList<>();
    private static final ReferenceQueue<Object> DEAD = new ReferenceQueue<>();

    private static final byte[] order = new byte[1];
    private static final byte[] newline = {'\n'};
    private static FileInputStream orders;
    private static FileOutputStream answers;
    private static ByteBuffer slot;
    private static int runs;
    private static int done;
    /** Takes the orders of a run that is explained; none in one that is measured. */
    private static IntPredicate tracer;

    private Memcase() {}

    public static void main(String[] arguments) {
        try {
            new MemcaseCase().memcase();
        } catch (Throwable error) {
            for (Throwable each = error; each != null; each = each.getCause()) {
                each.setStackTrace(withoutOwn(each.getStackTrace()));
            }
            error.printStackTrace();
            System.exit(1);
        }
        // What the snippet left open (threads, timers) does not hold the process.
        System.exit(0);
    }

    private static StackTraceElement[] withoutOwn(StackTraceElement[] trace) {
        return Arrays.stream(trace)
            .filter(place -> !place.getClassName().equals("Memcase"))
            .toArray(StackTraceElement[]::new);
    }

    private static String descriptor(String name) {
        String number = System.getenv("MEMCASE_" + name + "_FD");
        return number == null ? null : "/dev/fd/" + number;
    }

    /** Says that setup is done. */
    static void ready() throws IOException, InterruptedException, ReflectiveOperationException {
        orders = new FileInputStream(descriptor("READ"));
        answers = new FileOutputStream(descriptor("WRITE"));
        String batch = System.getenv("MEMCASE_BATCH");
        runs = batch == null ? 1 : Math.max(1, Integer.parseInt(batch));
        if (descriptor("SLOT") != null) {
            try (RandomAccessFile file = new RandomAccessFile(descriptor("SLOT"), "rw")) {
                slot = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 64);
            }
            slot.order(ByteOrder.LITTLE_ENDIAN);
            slot.putInt(0, 1);
        }
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            // As HotSpot and as OpenJ9 call it.
            if (pool.getName().equals("Metaspace") || pool.getName().equals("class storage")) {
                CLASSES.add(pool);
            }
        }
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            if (pool.getName().equals("direct")) {
                BUFFERS.add(pool);
            }
        }
        if (System.getenv("MEMCASE_FINDINGS") != null) {
            tracer = (IntPredicate) Class.forName("MemcaseTracer").getDeclaredConstructor().newInstance();
        }
        full();
        answers.write(newline);
    }

    /** Iterations to run before the next answer; 0 at the end. */
    static int turn() throws IOException, InterruptedException {
        while (orders.read(order) == 1) {
            if (order[0] == '\n') {
                return runs;
            }
            if (order[0] == '2') {
                runs *= 2;
            } else if (order[0] == 'c') {
                // A run that is explained collects at the marks of its window, and not as often as one that is judged.
                if (tracer == null) {
                    full();
                }
            } else if (tracer == null || !tracer.test(order[0])) {
                throw new IOException("memcase: the order " + order[0] + " is not known");
            }
            answers.write(newline);
        }
        return 0;
    }

    /** Tells how many iterations are done, and answers. There is no collection here. */
    static void answer(int iterations) throws IOException {
        done = iterations;
        if (slot != null) {
            slot.putInt(4, COLLECTS);
            slot.putLong(40, done);
        }
        answers.write(newline);
    }

    /** Iterations completed. */
    static int done() {
        return done;
    }

    /** Twice, because what the first one finds dead may hold more. */
    private static void full() throws InterruptedException {
        long heap = Long.MAX_VALUE;
        long external = Long.MAX_VALUE;
        for (int k = 0; k < 2; k++) {
            collect();
            heap = Math.min(heap, MEMORY.getHeapMemoryUsage().getUsed());
            external = Math.min(external, external());
        }
        if (slot != null) {
            slot.putInt(4, COLLECTS | HEAP | EXTERNAL | FULL);
            slot.putLong(8, heap);
            slot.putLong(24, external);
            slot.putLong(40, done);
        }
    }

    /** Collects, and waits for a reference to be handed on, as those that free direct buffers are. */
    static void collect() throws InterruptedException {
        WeakReference<Object> sentinel = new WeakReference<>(new Object(), DEAD);
        System.gc();
        DEAD.remove(PATIENCE_MS);
        Reference.reachabilityFence(sentinel);
    }

    /** Bytes outside the heap that belong to it: metadata of classes, and direct buffers. */
    private static long external() {
        long sum = 0;
        for (MemoryPoolMXBean pool : CLASSES) {
            sum += pool.getUsage().getUsed();
        }
        for (BufferPoolMXBean pool : BUFFERS) {
            sum += pool.getMemoryUsed();
        }
        return sum;
    }
}
