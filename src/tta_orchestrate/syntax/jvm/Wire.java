import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The request and the answers of one run. The request is a file of lines, key and value with a tab between; it is deleted
 * before any class of the repository is loaded, because it holds the nonce that stands before every true answer. Answers
 * are JSON objects, one a line.
 */
final class Wire {
    private final String nonce;
    private final OutputStream out;
    private final Map<String, List<String>> request;

    private Wire(String nonce, OutputStream out, Map<String, List<String>> request) {
        this.nonce = nonce;
        this.out = out;
        this.request = request;
    }

    static Wire open(Path asked, Path answers) throws IOException {
        Map<String, List<String>> request = new LinkedHashMap<>();
        for (String line : Files.readAllLines(asked, StandardCharsets.UTF_8)) {
            int tab = line.indexOf('\t');
            if (tab > 0) {
                request.computeIfAbsent(line.substring(0, tab), key -> new ArrayList<>()).add(line.substring(tab + 1));
            }
        }
        Files.delete(asked);
        OutputStream out = Files.newOutputStream(answers, StandardOpenOption.CREATE_NEW, StandardOpenOption.APPEND);
        return new Wire(request.remove("nonce").get(0), out, request);
    }

    List<String> all(String key) {
        return request.getOrDefault(key, List.of());
    }

    String one(String key, String fallback) {
        List<String> values = all(key);
        return values.isEmpty() ? fallback : values.get(0);
    }

    synchronized void emit(Map<String, ?> record) {
        StringBuilder line = new StringBuilder("\n").append(nonce).append(' ');
        json(record, line);
        try {
            out.write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException error) {
            Runtime.getRuntime().halt(4);
        }
    }

    private static void json(Object value, StringBuilder to) {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                to.append(separator);
                json(String.valueOf(entry.getKey()), to);
                json(entry.getValue(), to.append(':'));
                separator = ",";
            }
            to.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> values) {
            String separator = "";
            to.append('[');
            for (Object each : values) {
                json(each, to.append(separator));
                separator = ",";
            }
            to.append(']');
        } else if (value instanceof Number || value instanceof Boolean || value == null) {
            to.append(value);
        } else {
            quote(value.toString(), to);
        }
    }

    private static void quote(String text, StringBuilder to) {
        to.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                to.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                to.append(String.format("\\u%04x", (int) c));
            } else {
                to.append(c);
            }
        }
        to.append('"');
    }
}
