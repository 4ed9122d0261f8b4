// What the local variables of a snippet are called: a recording tells that the stack holds an object, and not which
// of its variables does.

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

final class MemcaseVariables {
    private static final Pattern ROW = Pattern.compile("\\s+(\\d+)\\s+(\\d+)\\s+\\d+\\s+(\\S+)\\s+(\\[*L\\S+;|\\[+\\S)");
    private static final Pattern TURN = Pattern.compile("\\s+(\\d+): invokestatic .*Memcase\\.turn:.*");

    /** The variables that are in scope between two iterations, with their types. */
    private final Map<String, String> variables = new LinkedHashMap<>();

    /** Asks the JDK's own disassembler; without one they have no names. */
    MemcaseVariables() {
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        String path = System.getProperty("java.class.path");
        ToolProvider.findFirst("javap").ifPresent(
            javap -> javap.run(out, out, "-c", "-l", "-p", "-cp", path, MemcasePlaces.CASE));
        int turn = -1;
        for (String line : said.toString().split("\n")) {
            Matcher call = TURN.matcher(line);
            Matcher row = ROW.matcher(line);
            if (call.matches()) {
                turn = Integer.parseInt(call.group(1));
            } else if (turn < 0 || line.startsWith("  void ") || line.startsWith("  private ")) {
                // Another method, or the code in front of the turns.
                continue;
            } else if (row.matches()) {
                int from = Integer.parseInt(row.group(1));
                if (from <= turn && turn < from + Integer.parseInt(row.group(2)) && !row.group(3).equals("this")) {
                    variables.put(row.group(3), row.group(4));
                }
            }
        }
    }

    /** The variable that holds an object of a type, as far as its own type tells. */
    String of(String type) {
        List<String> fitting = new ArrayList<>();
        // One that is declared as just this type is the most likely, and goes before those of its supertypes.
        variables.forEach((name, declared) -> {
            if (named(declared).equals(type)) {
                fitting.add(name);
            }
        });
        if (fitting.isEmpty()) {
            variables.forEach((name, declared) -> {
                if (fits(type, named(declared))) {
                    fitting.add(name);
                }
            });
        }
        return fitting.size() == 1 ? "." + fitting.get(0) : fitting.isEmpty()
            ? "a local variable"
            : "one of the variables " + String.join(", ", fitting);
    }

    /** The name of a type, as classes are called by `Class.forName`. */
    private static String named(String declared) {
        String name = declared.startsWith("[") ? declared : declared.substring(1, declared.length() - 1);
        return name.replace('/', '.');
    }

    private static boolean fits(String type, String name) {
        try {
            ClassLoader loader = ClassLoader.getSystemClassLoader();
            return Class.forName(name, false, loader).isAssignableFrom(Class.forName(type, false, loader));
        } catch (ClassNotFoundException | LinkageError unknown) {
            return false;
        }
    }
}
