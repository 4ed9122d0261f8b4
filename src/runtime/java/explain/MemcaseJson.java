// Writes JSON of maps, lists, texts and numbers.

import java.util.Iterator;
import java.util.Map;

final class MemcaseJson {
    private MemcaseJson() {}

    static String of(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map) {
            out.append('{');
            for (Iterator<? extends Map.Entry<?, ?>> all = ((Map<?, ?>) value).entrySet().iterator(); all.hasNext();) {
                Map.Entry<?, ?> entry = all.next();
                text(entry.getKey().toString(), out);
                out.append(':');
                write(entry.getValue(), out);
                out.append(all.hasNext() ? "," : "");
            }
            out.append('}');
        } else if (value instanceof Iterable) {
            out.append('[');
            for (Iterator<?> all = ((Iterable<?>) value).iterator(); all.hasNext();) {
                write(all.next(), out);
                out.append(all.hasNext() ? "," : "");
            }
            out.append(']');
        } else if (value instanceof String) {
            text((String) value, out);
        } else {
            out.append(value);
        }
    }

    private static void text(String text, StringBuilder out) {
        out.append('"');
        for (int at = 0; at < text.length(); at++) {
            char one = text.charAt(at);
            if (one == '"' || one == '\\') {
                out.append('\\').append(one);
            } else if (one < ' ') {
                out.append(String.format("\\u%04x", (int) one));
            } else {
                out.append(one);
            }
        }
        out.append('"');
    }
}
