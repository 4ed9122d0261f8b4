// Reads what was recorded of a window, in a process of its own, and writes what was found (docs/explain.md).

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;

import jdk.jfr.consumer.RecordedClass;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedObject;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;

final class MemcaseFindings {
    /** Types whose holders are told. */
    private static final int GROUPS = 6;
    /** More than is sampled may become more by so much at most, where samples were lost. */
    private static final double MOST_LOST = 20, LOST = 1.1;
    /** Objects that stay as long as something that is no memory of the heap: what it is. */
    private static final Map<String, String> STANDS_FOR = Map.of(
        "java.io.FileDescriptor", "descriptor",
        "java.lang.ProcessHandleImpl$ExitCompletion", "process",
        "jdk.internal.ref.CleanerImpl$PhantomCleanableRef", "native",
        "java.lang.ref.Finalizer", "native");
    /** Metadata of classes, in bytes an iteration, from which on it is told what its blocks take. */
    private static final long MUCH_OF_CLASSES = 64;
    /** What the JDK makes for itself: whoever holds it is told by what it belongs to. */
    private static final Pattern INNER = Pattern.compile("(jdk|sun|java\\.lang\\.ref|java\\.io\\.FileCleanable)\\b.*");
    private static final int HEADER = 16, ALIGNED = 8;

    /** Two numbers, of the first and the second half of the window. */
    private static final class Halves {
        final double[] of = new double[2];

        void add(int half, double more) {
            of[half] += more;
        }

        double all() {
            return of[0] + of[1];
        }

        List<Long> told() {
            return List.of(Math.round(of[0]), Math.round(of[1]));
        }
    }

    /** What the objects of one type are, at the three marks and as they were sampled. */
    private static final class Type {
        final String name;
        final long[] count = new long[3];
        final long[] bytes = new long[3];
        final List<RecordedEvent> samples = new ArrayList<>();
        final Halves sampled = new Halves();
        long largest;

        Type(String name) {
            this.name = name;
        }

        long grown(long[] marks, int half) {
            return marks[half + 1] - marks[half];
        }

        /** So much of what was sampled is more than there was before: the rest has taken the place of others. */
        double lasts() {
            double[] parts = new double[2];
            for (int half = 0; half < 2; half++) {
                parts[half] = sampled.of[half] > 0 ? grown(count, half) / sampled.of[half] : 0;
            }
            double less = Math.min(parts[0], parts[1]);
            return less > LOST ? Math.min(less, MOST_LOST) : Math.min(1, Math.max(0, Math.max(parts[0], parts[1])));
        }
    }

    /** Where objects of a call path were allocated, or something was started. */
    private static final class Site {
        final Halves bytes = new Halves();
        final Halves blocks = new Halves();
        List<Map<String, Object>> stack;
    }

    private final Properties facts = new Properties();
    private final Path folder;
    private final MemcasePlaces places;
    private final Map<String, Type> types = new LinkedHashMap<>();
    private final Map<String, Site> sites = new LinkedHashMap<>();
    private final Map<String, Site> made = new LinkedHashMap<>();
    private final Map<Long, RecordedEvent> threads = new LinkedHashMap<>();
    private final Set<Long> survivors = new HashSet<>();
    private Instant half;

    private MemcaseFindings(Path input) throws IOException {
        try (InputStream in = Files.newInputStream(input)) {
            facts.load(in);
        }
        folder = input.getParent();
        places = new MemcasePlaces(facts);
    }

    public static void main(String[] arguments) throws IOException {
        MemcaseFindings reader = new MemcaseFindings(Path.of(arguments[0]));
        for (int mark = 0; mark < 3; mark++) {
            reader.histogram(mark);
        }
        reader.recorded();
        String json = MemcaseJson.of(reader.findings());
        Files.write(Path.of(reader.facts.getProperty("findings")), json.getBytes(StandardCharsets.UTF_8));
    }

    private long fact(String name) {
        return Long.parseLong(facts.getProperty(name));
    }

    private Type type(String name) {
        return types.computeIfAbsent(name, Type::new);
    }

    /** Rows of a class histogram: number, objects, bytes, name. */
    private void histogram(int mark) throws IOException {
        for (String line : Files.readAllLines(folder.resolve("explained-" + mark + ".histogram"))) {
            String[] words = line.strip().split("\\s+");
            if (words.length >= 4 && words[0].matches("\\d+:")) {
                // Hidden classes have the same name in a recording but for how their number is set apart.
                Type type = type(words[3]);
                type.count[mark] += Long.parseLong(words[1]);
                type.bytes[mark] += Long.parseLong(words[2]);
            }
        }
    }

    private void recorded() throws IOException {
        List<RecordedEvent> samples = new ArrayList<>();
        try (RecordingFile file = new RecordingFile(folder.resolve("explained.jfr"))) {
            while (file.hasMoreEvents()) {
                RecordedEvent event = file.readEvent();
                switch (event.getEventType().getName()) {
                    case "jdk.OldObjectSample":
                        samples.add(event);
                        break;
                    case "jdk.ThreadStart":
                        threads.put(event.getThread("thread").getJavaThreadId(), event);
                        break;
                    case "jdk.ThreadEnd":
                        threads.remove(event.getThread("thread").getJavaThreadId());
                        break;
                    case "memcase.Half":
                        half = event.getStartTime();
                        break;
                    default:
                        break;
                }
            }
        }
        for (RecordedEvent sample : samples) {
            RecordedObject object = sample.getValue("object");
            survivors.add(object.getLong("address"));
            // What the driver and the tracer themselves have made is not told.
            if (!places.stack(sample.getStackTrace()).isEmpty()) {
                Type type = type(((RecordedClass) object.getValue("type")).getName());
                type.samples.add(sample);
                type.sampled.add(halfOf(sample.getInstant("allocationTime")), 1);
                type.largest = Math.max(type.largest, size(type, sample));
            }
        }
    }

    private int halfOf(Instant time) {
        return time.isBefore(half) ? 0 : 1;
    }

    private long size(Type type, RecordedEvent sample) {
        if (sample.hasField("objectSize")) {
            return sample.getLong("objectSize");
        }
        if (type.name.startsWith("[")) {
            long bytes = HEADER + sample.getInt("arrayElements") * width(type.name.charAt(1));
            return (bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
        }
        return type.count[2] > 0 ? type.bytes[2] / type.count[2] : 0;
    }

    private long width(char element) {
        switch (element) {
            case 'B':
            case 'Z':
                return 1;
            case 'C':
            case 'S':
                return 2;
            case 'F':
            case 'I':
                return 4;
            case 'D':
            case 'J':
                return 8;
            default:
                return fact("reference");
        }
    }

    /** Bytes outside of the heap for each object that stands for some: metadata of a class, memory of a buffer. */
    private double outside(Type type, int half) {
        String of = type.name.equals("java.lang.Class") ? "classes."
            : type.name.equals("java.nio.DirectByteBuffer") ? "buffers." : null;
        if (of == null || type.sampled.of[half] == 0) {
            return 0;
        }
        return Math.max(0, fact(of + (half + 1)) - fact(of + half)) / type.sampled.of[half];
    }

    private Site at(Map<String, Site> all, String kind, RecordedStackTrace recorded) {
        List<Map<String, Object>> stack = places.stack(recorded);
        Site site = all.computeIfAbsent(kind + stack, none -> new Site());
        site.stack = stack;
        return site;
    }

    private Map<String, Object> findings() {
        for (Type type : types.values()) {
            double lasts = type.lasts();
            for (RecordedEvent sample : type.samples) {
                int half = halfOf(sample.getInstant("allocationTime"));
                Site site = at(sites, "", sample.getStackTrace());
                site.bytes.add(half, size(type, sample) * lasts + outside(type, half));
                site.blocks.add(half, lasts);
                String kind = STANDS_FOR.get(type.name);
                if (kind != null) {
                    at(made, kind, sample.getStackTrace()).blocks.add(half, 1);
                }
            }
        }
        for (RecordedEvent thread : threads.values()) {
            if (thread.getStackTrace() != null) {
                at(made, "thread", thread.getStackTrace()).blocks.add(halfOf(thread.getStartTime()), 1);
            }
        }
        List<Type> grown = new ArrayList<>(types.values());
        grown.removeIf(type -> bytes(type).all() <= 0);
        grown.sort((a, b) -> Double.compare(bytes(b).all(), bytes(a).all()));
        Map<String, Object> findings = new LinkedHashMap<>();
        findings.put("tracer", "JDK Flight Recorder");
        findings.put("from", fact("done.0"));
        findings.put("to", fact("done.2"));
        findings.put("sites", told(sites.values()));
        findings.put("kinds", kinds(grown));
        findings.put("chains", chains(grown));
        List<Object> makers = new ArrayList<>();
        made.forEach((key, site) -> makers.add(
            Map.of("kind", key.substring(0, key.indexOf('[')), "count", site.blocks.told(), "stack", site.stack)));
        findings.put("made", makers);
        findings.put("notes", notes());
        return findings;
    }

    private List<String> notes() {
        long used = fact("classes.2") - fact("classes.0");
        long taken = fact("committed.2") - fact("committed.0");
        long iterations = Math.max(1, fact("done.2") - fact("done.0"));
        if (used / iterations < MUCH_OF_CLASSES || taken < 2 * used) {
            return List.of();
        }
        return List.of("each class loader has its metadata in blocks of its own: " + taken / iterations
            + " B an iteration are taken for the " + used / iterations + " B that classes need");
    }

    private static List<Object> told(Iterable<Site> sites) {
        List<Object> told = new ArrayList<>();
        for (Site site : sites) {
            told.add(Map.of("bytes", site.bytes.told(), "blocks", site.blocks.told(), "stack", site.stack));
        }
        return told;
    }

    /** By how many bytes a type became more, in each half. */
    private Halves bytes(Type type) {
        Halves bytes = new Halves();
        for (int half = 0; half < 2; half++) {
            bytes.add(half, type.grown(type.bytes, half) + outside(type, half) * type.sampled.of[half]);
        }
        return bytes;
    }

    private List<Object> kinds(List<Type> grown) {
        // Classes that differ in their number alone are called alike.
        Map<String, Map<String, Object>> kinds = new LinkedHashMap<>();
        Map<String, Halves[]> sums = new HashMap<>();
        for (Type type : grown) {
            String name = MemcasePlaces.called(type.name);
            Halves[] sum = sums.computeIfAbsent(name, none -> new Halves[] {new Halves(), new Halves()});
            Map<String, Object> kind = kinds.computeIfAbsent(name, none -> new LinkedHashMap<>());
            for (int half = 0; half < 2; half++) {
                sum[0].add(half, type.grown(type.count, half));
                sum[1].add(half, bytes(type).of[half]);
            }
            kind.put("name", name);
            kind.put("count", sum[0].told());
            kind.put("bytes", sum[1].told());
            kind.put("largest", Math.max(type.largest, (Long) kind.getOrDefault("largest", 0L)));
        }
        return new ArrayList<>(kinds.values());
    }

    private List<Object> chains(List<Type> grown) {
        MemcaseChains chains = new MemcaseChains(survivors, facts.getProperty("thread"), new MemcaseVariables());
        List<Object> told = new ArrayList<>();
        int groups = 0;
        for (Type type : grown) {
            boolean isInner = INNER.matcher(type.name).matches();
            if (groups < GROUPS && !isInner && Math.min(type.sampled.of[0], type.sampled.of[1]) > 0) {
                List<Map<String, Object>> ways = chains.of(type.samples, sample -> size(type, sample));
                told.addAll(ways);
                groups += ways.isEmpty() ? 0 : 1;
            }
        }
        return told;
    }
}
