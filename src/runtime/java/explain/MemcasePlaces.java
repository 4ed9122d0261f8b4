// Whose code a frame is in and where it stands, and how types are called.

import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordedStackTrace;

final class MemcasePlaces {
    /** The class around a case, of which the classes that a snippet defines are members. */
    static final String CASE = "MemcaseCase";

    private static final List<String> JAVA = List.of("java.", "javax.", "jdk.", "sun.", "com.sun.");
    /** Where builds keep the sources of what they compile, from a folder above that of the classes. */
    private static final List<String> SOURCES = List.of("src/main/java", "src/test/java", "src", "");
    private static final int ABOVE = 4;
    private static final Map<String, String> PRIMITIVE = Map.of(
        "Z", "boolean", "B", "byte", "C", "char", "D", "double", "F", "float", "I", "int", "J", "long", "S", "short");

    /** A file, and whose it is. */
    static final class Home {
        final String file;
        final String owner;

        Home(String file, String owner) {
            this.file = file;
            this.owner = owner;
        }
    }

    private final Map<String, Home> homes = new HashMap<>();
    private final String source;
    private final String folder;
    private final String target;

    /** `source` is the snippet as it was compiled, and `target` the file of a case that has one. */
    MemcasePlaces(Properties facts) {
        source = facts.getProperty("memcase.source");
        folder = facts.getProperty("memcase.folder");
        target = facts.getProperty("memcase.file");
    }

    /** A call path from the allocation outward; nothing where the tracer or the driver itself was at work. */
    List<Map<String, Object>> stack(RecordedStackTrace recorded) {
        List<Map<String, Object>> stack = new ArrayList<>();
        if (recorded == null) {
            return stack;
        }
        for (RecordedFrame frame : recorded.getFrames()) {
            RecordedMethod method = frame.getMethod();
            String type = method.getType().getName();
            Home home = home(type);
            if (home.owner.equals("driver") || type.startsWith("jdk.jfr.")) {
                return stack.stream().anyMatch(place -> !place.get("owner").equals("language")) ? stack : List.of();
            }
            if (type.contains("$$Lambda")) {
                continue;
            }
            Map<String, Object> place = new LinkedHashMap<>();
            place.put("file", home.file);
            place.put("line", Math.max(0, frame.getLineNumber()));
            place.put("function", function(type, method.getName()));
            place.put("owner", home.owner);
            stack.add(place);
        }
        return stack;
    }

    private static boolean isOfSnippet(String type) {
        return type.equals(CASE) || type.startsWith(CASE + "$");
    }

    private Home home(String type) {
        int nested = type.indexOf('$');
        String outer = nested > 0 ? type.substring(0, nested) : type;
        return homes.computeIfAbsent(outer, this::find);
    }

    private Home find(String type) {
        if (type.equals(CASE) && !source.isEmpty()) {
            return new Home(source, "case");
        }
        if (type.equals(CASE) || type.equals("Memcase") || type.equals("MemcaseTracer")) {
            return new Home("", "driver");
        }
        String path = type.replace('.', '/');
        boolean isJava = JAVA.stream().anyMatch(type::startsWith);
        if (isJava || ClassLoader.getPlatformClassLoader().getResource(path + ".class") != null) {
            return new Home(path + ".java", "language");
        }
        URL found = ClassLoader.getSystemResource(path + ".class");
        if (found == null) {
            // Made while it runs: proxies, generated code.
            return new Home(path, "package");
        }
        String place = found.toString();
        if (place.startsWith("jar:file:")) {
            String archive = Path.of(URI.create(place.substring(4, place.indexOf("!/")))).toString();
            return new Home(archive + "!/" + path + ".java", "package");
        }
        return new Home(sourceOf(path, Path.of(URI.create(place))), "case");
    }

    /** The source of a class: beside the case, the case's own file, or where builds keep it. */
    private String sourceOf(String path, Path compiled) {
        Path beside = Path.of(folder, path + ".java");
        if (Files.exists(beside)) {
            return beside.toString();
        }
        Path root = compiled;
        for (int depth = path.split("/").length; depth > 0; depth--) {
            root = root.getParent();
        }
        if (Files.exists(root.resolve("Memcase.class"))) {
            return target;
        }
        Path above = root;
        for (int tries = 0; tries < ABOVE && above != null; tries++, above = above.getParent()) {
            for (String sources : SOURCES) {
                Path candidate = above.resolve(sources).resolve(path + ".java");
                if (Files.exists(candidate)) {
                    return candidate.toString();
                }
            }
        }
        return root.resolve(path + ".java").toString();
    }

    /** `Cache.put`; nothing for what the snippet itself does, as it stands in no method. */
    private static String function(String type, String method) {
        boolean own = type.equals(CASE);
        if (method.startsWith("lambda$")) {
            String within = method.substring("lambda$".length(), Math.max(7, method.lastIndexOf('$')));
            return own && within.equals("memcase") ? "a lambda" : "a lambda in " + function(type, within);
        }
        if (own) {
            return method.equals("memcase") ? "" : method;
        }
        String name = called(type);
        return name.substring(name.lastIndexOf('.') + 1) + "." + method;
    }

    /** The name of a type as it is written in Java: `byte[]`, `java.util.HashMap$Node`, `Item` of a snippet. */
    static String called(String type) {
        if (type.startsWith("[")) {
            String element = type.substring(1);
            if (PRIMITIVE.containsKey(element)) {
                return PRIMITIVE.get(element) + "[]";
            }
            boolean isObject = element.startsWith("L") && element.endsWith(";");
            return called(isObject ? element.substring(1, element.length() - 1) : element) + "[]";
        }
        // As one loader after the other defines it, and as a histogram and a recording call it.
        int hidden = Math.max(type.indexOf("/0x"), type.indexOf("+0x"));
        String name = hidden > 0 ? type.substring(0, hidden) : type;
        int lambda = name.indexOf("$$Lambda");
        if (lambda > 0) {
            return "a lambda of " + (name.startsWith(CASE + "$$") ? "the case" : called(name.substring(0, lambda)));
        }
        if (isOfSnippet(name)) {
            // A class that is local to the snippet has a number before its name.
            String member = name.substring(Math.min(name.length(), CASE.length() + 1)).replaceFirst("^\\d+(?=\\D)", "");
            if (member.isEmpty()) {
                return "the case";
            }
            return Character.isDigit(member.charAt(0)) ? "an anonymous class" : member;
        }
        return name;
    }
}
