// Who holds the objects that survived: from a root to the object, without what collections are made of.

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jdk.jfr.consumer.RecordedClass;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedObject;

final class MemcaseChains {
    /** Objects of a type that are looked at, and ways of each type that are told. */
    private static final int SAMPLES = 400, WAYS = 2;
    /** A way by which less than this part of them is held is not told. */
    private static final int FEW = 10;
    /** Alike links in a row that are told, and links of a chain. */
    private static final int ALIKE = 3, LONGEST = 14;
    private static final int STATIC = 0x8;
    private static final Pattern SIZE = Pattern.compile("Size: (\\d+)");
    private static final Pattern CLASS_NAME = Pattern.compile("Class Name: (.+)");
    private static final Pattern THREAD_NAME = Pattern.compile("Thread Name: (.+)");
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final String THREAD_LOCALS = "java.lang.ThreadLocal$ThreadLocalMap";

    /** One object of a chain. */
    private static final class Step {
        final String type;
        /** Objects that the recording leaves out at this place. */
        int skipped;
        final Long size;
        final boolean isNew;
        String by = "";

        Step(String type, Long size, boolean isNew) {
            this.type = type;
            this.size = size;
            this.isNew = isNew;
        }

        boolean isOf(String type) {
            return this.type.equals(type);
        }

        boolean isMore() {
            return type.startsWith("…");
        }

        /** All elements of a list are alike, and so are all numbers of links that were left out. */
        String shape() {
            if (isMore()) {
                return "…";
            }
            return (by.startsWith("[") ? "[]" : by) + " " + MemcasePlaces.called(type);
        }
    }

    private final Set<Long> survivors;
    private final String mainThread;
    private final MemcaseVariables variables;

    /** `survivors` are the addresses of all objects that were made within the window. */
    MemcaseChains(Set<Long> survivors, String mainThread, MemcaseVariables variables) {
        this.survivors = survivors;
        this.mainThread = mainThread;
        this.variables = variables;
    }

    /** The ways by which most of what the objects of one type take is held. */
    List<Map<String, Object>> of(List<RecordedEvent> samples, ToLongFunction<RecordedEvent> size) {
        Map<String, Map<String, Object>> found = new LinkedHashMap<>();
        Map<String, Integer> held = new LinkedHashMap<>();
        Map<String, Long> bytes = new LinkedHashMap<>();
        long whole = 0;
        // At equal steps of bytes: objects of two sizes may take turns, so that each n-th is of one of them.
        long every = Math.max(1, samples.stream().mapToLong(size).sum() / SAMPLES);
        long upTo = 0;
        long next = 0;
        int sampled = 0;
        int parts = 0;
        for (RecordedEvent sample : samples) {
            upTo += size.applyAsLong(sample);
            if (upTo <= next) {
                continue;
            }
            next = (upTo / every + 1) * every;
            sampled++;
            List<Step> steps = new ArrayList<>();
            String root = way(sample, steps);
            if (root == null) {
                continue;
            }
            boolean isPart = fold(steps);
            if (isPart) {
                parts++;
                continue;
            }
            StringBuilder key = new StringBuilder(NUMBER.matcher(root).replaceAll("#"));
            List<Step> shown = shortened(steps);
            shown.forEach(step -> key.append('\n').append(step.shape()));
            found.computeIfAbsent(key.toString(), none -> chain(root, steps, shown));
            held.merge(key.toString(), 1, Integer::sum);
            bytes.merge(key.toString(), size.applyAsLong(sample), Long::sum);
            whole += size.applyAsLong(sample);
        }
        List<String> keys = new ArrayList<>(found.keySet());
        keys.sort((a, b) -> Long.compare(bytes.get(b), bytes.get(a)));
        long few = whole / FEW;
        keys.removeIf(key -> bytes.get(key) < few);
        List<Map<String, Object>> chains = new ArrayList<>();
        for (String key : keys.subList(0, Math.min(WAYS, keys.size()))) {
            found.get(key).put("held", held.get(key));
            found.get(key).put("sampled", sampled - parts);
            chains.add(found.get(key));
        }
        return chains;
    }

    private Step step(RecordedObject object) {
        RecordedClass type = object.getValue("type");
        Matcher size = SIZE.matcher(text(object, "description"));
        Long count = size.find() ? Long.valueOf(size.group(1)) : null;
        return new Step(type == null ? "?" : type.getName(), count, survivors.contains(object.getLong("address")));
    }

    private static String text(RecordedObject object, String field) {
        String text = object == null ? null : object.getString(field);
        return text == null ? "" : text;
    }

    private static String match(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? matcher.group(1).strip() : null;
    }

    /** Follows who refers to whom, up to a root; fills in the objects on the way, that next to the root first. */
    private String way(RecordedEvent event, List<Step> steps) {
        RecordedObject object = event.getValue("object");
        RecordedObject top = object;
        String root = null;
        for (RecordedObject referrer = object.getValue("referrer"); ; referrer = object.getValue("referrer")) {
            Step step = step(object);
            steps.add(step);
            top = object;
            if (referrer == null) {
                break;
            }
            RecordedObject field = referrer.getValue("field");
            RecordedObject array = referrer.getValue("array");
            object = referrer.getValue("object");
            if (field != null) {
                step.by = "." + field.getString("name");
            } else if (array != null) {
                step.by = "[" + array.getInt("index") + "]";
            }
            if (object == null) {
                break;
            }
            step.skipped = referrer.getInt("skip");
            String defined = match(CLASS_NAME, text(object, "description"));
            if (defined != null && field != null && (field.getShort("modifiers") & STATIC) != 0) {
                root = defined.equals(MemcasePlaces.CASE) ? "the case" : "class " + MemcasePlaces.called(defined);
                break;
            }
        }
        Collections.reverse(steps);
        return root != null ? root : root(event.getValue("root"), top, steps);
    }

    /** What the collector begins at. */
    private String root(RecordedObject root, RecordedObject top, List<Step> steps) {
        String type = text(root, "type");
        String system = text(root, "system");
        if (root == null || type.isEmpty() && system.isEmpty()) {
            return null;
        }
        Step first = steps.get(0);
        String thread = match(THREAD_NAME, text(top, "description"));
        if (thread != null) {
            if (steps.size() > 1) {
                steps.remove(0);
            }
            return "thread " + thread;
        }
        if (type.equals("Stack Variable")) {
            String of = match(THREAD_NAME, text(root, "description"));
            if (!mainThread.equals(of)) {
                first.by = "a local variable";
                return "thread " + of;
            }
            if (first.isOf(MemcasePlaces.CASE) && steps.size() > 1) {
                steps.remove(0);
            } else {
                first.by = variables.of(first.type);
            }
            return "the case";
        }
        String defined = match(CLASS_NAME, text(top, "description"));
        if (defined != null && steps.size() > 1) {
            steps.remove(0);
            return "class " + MemcasePlaces.called(defined);
        }
        return "GC root: " + (type.isEmpty() || type.startsWith("<") ? system : type);
    }

    /** A class of the JDK's collections, of threads, and the like. */
    private static boolean isOfJava(String type) {
        return type.startsWith("java.") || type.startsWith("jdk.") || type.startsWith("sun.");
    }

    private static boolean isText(Step step) {
        return step.isOf("java.lang.String") || step.isOf("java.lang.StringBuilder");
    }

    /**
     * Leaves out the tables, nodes and entries that collections of the JDK are made of: what they hold is told as an
     * element, a key or a value of the collection. Tells whether the object itself is such a part.
     */
    private static boolean fold(List<Step> steps) {
        List<Step> told = new ArrayList<>();
        Step container = null;
        boolean within = false;
        for (Step step : steps) {
            boolean isPart = container != null && isPart(container, step);
            if (isPart) {
                within = true;
                continue;
            }
            if (within) {
                step.by = leads(container, step.by);
            }
            told.add(step);
            within = false;
            container = isOfJava(step.type) && !step.type.startsWith("[") ? step : null;
        }
        steps.clear();
        steps.addAll(told);
        return within;
    }

    private static boolean isPart(Step container, Step step) {
        if (isText(container)) {
            return step.isOf("[B") || step.isOf("[C");
        }
        boolean isMapOfSet = container.type.endsWith("Set") && step.type.startsWith("java.util.")
            && (step.by.equals(".map") || step.by.equals(".m"));
        boolean isHeld = step.by.matches("\\.(value|val|item|element|key)");
        boolean isArray = step.type.startsWith("[L") && step.by.startsWith(".") && !isHeld
            || step.type.startsWith("[Ljava.util.") && step.by.startsWith("[");
        boolean isNode = isOfJava(step.type) && step.type.matches(".*\\$.*(Node|Entry|Segment|Link|Item|TreeBin)");
        boolean holds = container.type.startsWith("java.util.") || container.isOf(THREAD_LOCALS);
        return holds && (isArray || isNode || isMapOfSet);
    }

    private static String leads(Step container, String by) {
        if (container.isOf(THREAD_LOCALS)) {
            return "a value";
        }
        if (by.startsWith("[")) {
            return by;
        }
        boolean isMap = container.type.contains("Map") || container.type.contains("Hashtable");
        return isMap ? by.equals(".key") ? "a key" : "a value" : "an element";
    }

    /** Of alike links in a row, as those of a linked list, the first and the last, and how many there are between. */
    private static List<Step> shortened(List<Step> steps) {
        List<Step> told = new ArrayList<>();
        for (int from = 0, to; from < steps.size(); from = to) {
            to = from + 1;
            if (steps.get(from).skipped > 0) {
                told.add(more(steps.get(from).skipped));
            }
            int more = 0;
            while (to < steps.size() && isAlike(steps.get(from), steps.get(to))) {
                more += 1 + steps.get(to++).skipped;
            }
            if (to - from > ALIKE || more >= to - from) {
                told.add(steps.get(from));
                told.add(more(more - 1));
                told.add(steps.get(to - 1));
            } else {
                told.addAll(steps.subList(from, to));
            }
        }
        if (told.size() > LONGEST) {
            List<Step> middle = told.subList(LONGEST - 4, told.size() - 3);
            int more = middle.size();
            middle.clear();
            middle.add(more(more));
        }
        return told;
    }

    /** The one behind objects that were left out is not known to be reached in another way. */
    private static boolean isAlike(Step first, Step step) {
        return step.shape().equals(first.shape()) || step.skipped > 0 && step.isOf(first.type);
    }

    private static Step more(int count) {
        return new Step("… " + count + " more", null, true);
    }

    private static Map<String, Object> chain(String root, List<Step> steps, List<Step> shown) {
        // The last that was there before the window: what is skipped in a long list says nothing.
        int first = 0;
        while (first < steps.size() && !steps.get(first).isNew) {
            first++;
        }
        Step keeper = steps.get(Math.max(0, first - 1));
        int holder = shown.indexOf(keeper);
        if (holder < 0) {
            // It is within a linked list: what the list hangs on is told.
            int list = 0;
            while (list + 1 < shown.size() && !shown.get(list + 1).isMore()) {
                list++;
            }
            holder = Math.max(0, list - 1);
        }
        List<Map<String, Object>> links = new ArrayList<>();
        for (Step step : shown) {
            Map<String, Object> link = new LinkedHashMap<>();
            link.put("by", step.by);
            link.put("kind", MemcasePlaces.called(step.type));
            link.put("len", step.size);
            links.add(link);
        }
        Map<String, Object> chain = new LinkedHashMap<>();
        chain.put("root", root);
        chain.put("links", links);
        chain.put("holder", holder);
        return chain;
    }
}
