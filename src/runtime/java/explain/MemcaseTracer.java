// Follows what a case allocates. Made by the driver in the second run of a case only: that run is not measured.
//
// JDK Flight Recorder samples objects as they are allocated, and tells of those that still live where they were
// allocated and who holds them (jdk.OldObjectSample). It samples what does not fit into a thread's allocation buffer:
// without these buffers that is every object. Class histograms tell how many there are and what they take.
// All is read by another process (`MemcaseFindings`), as the heap of this one may be full.

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.function.IntPredicate;

import com.sun.management.HotSpotDiagnosticMXBean;
import jdk.jfr.Event;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.StackTrace;
import javax.management.JMException;
import javax.management.ObjectName;

final class MemcaseTracer implements IntPredicate {
    /** Committed in the middle of the window. */
    @Name("memcase.Half")
    @StackTrace(false)
    static final class Half extends Event {}

    private static final String HISTOGRAM = "gcClassHistogram";

    private final Path findings = Path.of(System.getenv("MEMCASE_FINDINGS"));
    private final Properties facts = new Properties();
    private Recording recording;
    private int marks;

    @Override
    public boolean test(int order) {
        try {
            if (order == 'b') {
                begin();
            } else if (order == 'h') {
                new Half().commit();
                mark();
            } else if (order == 'e') {
                mark();
                end();
            } else {
                return false;
            }
            return true;
        } catch (IOException | JMException | InterruptedException failed) {
            // The last line of what a process writes is told as the reason of its end.
            System.err.println("what was traced can not be kept: " + failed);
            System.exit(1);
            return false;
        }
    }

    private void begin() throws IOException, JMException, InterruptedException {
        // What the beans and the recorder need for themselves is made before the window.
        histogram();
        new Half().commit();
        recording = new Recording();
        recording.enable("jdk.OldObjectSample").withStackTrace().with("cutoff", "infinity");
        recording.enable("jdk.ThreadStart").withStackTrace();
        recording.enable("jdk.ThreadEnd");
        recording.enable(Half.class);
        recording.start();
        mark();
    }

    /** What is in use at the begin, the middle and the end of the window. */
    private void mark() throws IOException, JMException, InterruptedException {
        Memcase.collect();
        Files.write(file("explained-" + marks + ".histogram"), histogram().getBytes(StandardCharsets.UTF_8));
        long classes = 0;
        long committed = 0;
        for (MemoryPoolMXBean pool : Memcase.CLASSES) {
            classes += pool.getUsage().getUsed();
            committed += pool.getUsage().getCommitted();
        }
        long buffers = 0;
        for (BufferPoolMXBean pool : Memcase.BUFFERS) {
            buffers += pool.getMemoryUsed();
        }
        facts.setProperty("done." + marks, String.valueOf(Memcase.done()));
        facts.setProperty("classes." + marks, String.valueOf(classes));
        facts.setProperty("committed." + marks, String.valueOf(committed));
        facts.setProperty("buffers." + marks, String.valueOf(buffers));
        marks++;
    }

    /** After a full collection, as `jcmd PID GC.class_histogram` tells it. */
    private static String histogram() throws JMException {
        ObjectName commands = new ObjectName("com.sun.management:type=DiagnosticCommand");
        Object[] none = {new String[0]};
        String[] types = {String[].class.getName()};
        return (String) ManagementFactory.getPlatformMBeanServer().invoke(commands, HISTOGRAM, none, types);
    }

    private void end() throws IOException, InterruptedException {
        Path recorded = file("explained.jfr");
        recording.dump(recorded);
        recording.close();
        HotSpotDiagnosticMXBean machine = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        boolean narrow = machine.getVMOption("UseCompressedOops").getValue().equals("true");
        facts.setProperty("reference", narrow ? "4" : "8");
        facts.setProperty("findings", findings.toString());
        facts.setProperty("thread", Thread.currentThread().getName());
        for (String name : List.of("memcase.source", "memcase.folder", "memcase.file")) {
            facts.setProperty(name, System.getProperty(name, ""));
        }
        String dump = System.getenv("MEMCASE_DUMP");
        if (dump != null) {
            machine.dumpHeap(dump + ".hprof", true);
        }
        Path input = file("explained.properties");
        try (OutputStream out = Files.newOutputStream(input)) {
            facts.store(out, null);
        }
        read(input);
        Files.delete(recorded);
        Files.delete(input);
        for (int mark = 0; mark < marks; mark++) {
            Files.delete(file("explained-" + mark + ".histogram"));
        }
    }

    private void read(Path input) throws IOException, InterruptedException {
        Path errors = file("explained.errors");
        ProcessBuilder reader = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp", System.getProperty("java.class.path"),
            "MemcaseFindings", input.toString());
        // What belongs to the case alone is not for its reader.
        List.of("LD_PRELOAD", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS").forEach(reader.environment()::remove);
        reader.redirectInput(new File("/dev/null")).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        reader.redirectError(errors.toFile());
        if (reader.start().waitFor() != 0) {
            String said = new String(Files.readAllBytes(errors), StandardCharsets.UTF_8).strip();
            throw new IOException(said.substring(said.lastIndexOf('\n') + 1));
        }
        Files.delete(errors);
    }

    private Path file(String name) {
        return findings.resolveSibling(name);
    }
}
