import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * Compile a repository and run tests of it, in one machine. Arguments: the request, the file for the answers. Keys of
 * the request: {@code nonce}; {@code root} (folder of sources), {@code resources}, {@code jar}, {@code release}, {@code
 * kotlin} (whether there is any); {@code test} (file; none: all below {@code tests}), {@code tests} (folder of tests), {@code name} (only these), {@code
 * source} (file to be measured), {@code order}, {@code seconds} (for each test). With {@code variant} (files whose text
 * takes the place of {@code replaced}, one after the other) the tests run for each of them, in classes of its own.
 */
final class Harness {
    private static final int ROUNDS = 12;
    private static final int LONGEST = 1500;
    private final Wire wire;

    private Harness(Wire wire) {
        this.wire = wire;
    }

    private List<String> classpath(String... folders) {
        List<String> classpath = new ArrayList<>(List.of(folders));
        classpath.removeIf(String::isEmpty);
        classpath.addAll(wire.all("jar"));
        classpath.addAll(List.of(System.getProperty("java.class.path").split(":")));
        return classpath;
    }

    /** Compile together: Kotlin first, which looks at the Java beside it, then Java. */
    private Compiler.Compiled both(Map<String, String> sources, String folder) throws Exception {
        Map<String, String> java = new TreeMap<>(sources);
        java.keySet().removeIf(path -> path.endsWith(".kt"));
        if (java.size() == sources.size()) {
            return new Compiler(classpath(folder), wire.one("release", "")).compile(java);
        }
        Kotlin kotlin = new Kotlin(classpath(folder), folder);
        Compiler.Compiled first = kotlin.compile(sources);
        if (java.isEmpty() || first.classes().isEmpty()) {
            return first;
        }
        List<String> classpath = classpath(kotlin.out.toString(), folder);
        Compiler.Compiled second = new Compiler(classpath, wire.one("release", "")).compile(java);
        if (second.classes().isEmpty()) {
            return second;
        }
        Map<String, byte[]> classes = new LinkedHashMap<>(first.classes());
        classes.putAll(second.classes());
        Map<String, String> origins = new LinkedHashMap<>(first.origins());
        origins.putAll(second.origins());
        return new Compiler.Compiled(classes, origins, Map.of());
    }

    public static void main(String[] arguments) throws Exception {
        new Harness(Wire.open(Path.of(arguments[0]), Path.of(arguments[1]))).serve();
        Runtime.getRuntime().halt(0);
    }

    private void serve() throws Exception {
        Compiler.Compiled compiled = compile(sources());
        if (compiled.classes().isEmpty()) {
            return;
        }
        if (!wire.all("variant").isEmpty()) {
            variants(compiled);
            wire.emit(Map.of("event", "end"));
            return;
        }
        Map<String, String> traced = new LinkedHashMap<>(compiled.origins());
        traced.values().retainAll(new HashSet<>(wire.all("source")));
        Coverage coverage = traced.isEmpty() ? null : new Coverage(traced);
        for (String name : traced.keySet()) {
            coverage.learn(name, compiled.classes().get(name));
        }
        run(compiled, compiled.classes(), (name, bytes) -> coverage == null ? bytes : coverage.instrument(name, bytes));
        if (coverage != null) {
            coverage.records().forEach(wire::emit);
        }
        wire.emit(Map.of("event", "end"));
    }

    private void run(
            Compiler.Compiled compiled, Map<String, byte[]> classes, BiFunction<String, byte[], byte[]> touch)
            throws ClassNotFoundException {
        List<String> folders = new ArrayList<>(wire.all("resources"));
        folders.addAll(wire.all("jar"));
        Loader loader = new Loader(folders, classes, touch);
        Thread.currentThread().setContextClassLoader(loader);
        Suite suite = new Suite(tests(compiled, loader), new HashSet<>(wire.all("name")), wire.one("order", ""));
        suite.run(new Teller(compiled.origins()));
    }

    private void variants(Compiler.Compiled compiled) throws Exception {
        String path = wire.one("replaced", "");
        List<String> texts = new ArrayList<>();
        for (String file : wire.all("variant")) {
            texts.add(Files.readString(Path.of(file)));
        }
        Path folder = Files.createTempDirectory("classes");
        for (Map.Entry<String, byte[]> each : compiled.classes().entrySet()) {
            Path file = folder.resolve(each.getKey().replace('.', '/') + ".class");
            Files.createDirectories(file.getParent());
            Files.write(file, each.getValue());
        }
        for (int number = 0; number < texts.size(); number++) {
            wire.emit(Map.of("event", "variant", "number", number));
            Compiler.Compiled changed = both(Map.of(path, texts.get(number)), folder.toString());
            if (!changed.classes().isEmpty()) {
                Map<String, byte[]> classes = new LinkedHashMap<>(compiled.classes());
                classes.putAll(changed.classes());
                run(compiled, classes, (name, bytes) -> bytes);
            }
            wire.emit(Map.of("event", "variant-end", "number", number));
        }
    }

    private Map<String, String> sources() throws IOException {
        Map<String, String> found = new TreeMap<>();
        for (String root : wire.all("root")) {
            if (!Files.isDirectory(Path.of(root))) {
                continue;
            }
            try (Stream<Path> files = Files.walk(Path.of(root))) {
                for (Path file : files.filter(this::isSource).toList()) {
                    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
                    found.put(file.normalize().toString(), text);
                }
            }
        }
        return found;
    }

    private boolean isSource(Path file) {
        String name = file.getFileName().toString();
        boolean known = name.endsWith(".java") || name.endsWith(".kt") && !wire.all("kotlin").isEmpty();
        return known && !name.equals("module-info.java") && Files.isRegularFile(file);
    }

    /** Files with errors are left out and named, and the others tried again, while any of those asked for is left. */
    private Compiler.Compiled compile(Map<String, String> sources) throws Exception {
        Compiler.Compiled result = new Compiler.Compiled(Map.of(), Map.of(), Map.of());
        for (int round = 0; round < ROUNDS && !sources.isEmpty(); round++) {
            result = both(sources, "");
            result.errors().forEach((path, error) ->
                    wire.emit(Map.of("event", "compile-error", "path", path, "error", cut(error))));
            boolean stuck = !sources.keySet().removeAll(result.errors().keySet());
            if (!result.classes().isEmpty() || stuck || gone("test", sources) || gone("source", sources)) {
                break;
            }
        }
        return result;
    }

    private boolean gone(String key, Map<String, String> sources) {
        return !wire.all(key).isEmpty() && wire.all(key).stream().noneMatch(sources::containsKey);
    }

    private List<Class<?>> tests(Compiler.Compiled compiled, Loader loader) throws ClassNotFoundException {
        List<Class<?>> found = new ArrayList<>();
        for (Map.Entry<String, String> each : compiled.origins().entrySet()) {
            String path = each.getValue();
            boolean asked = wire.all("test").isEmpty()
                    ? wire.all("tests").stream().anyMatch(path::startsWith)
                    : wire.all("test").contains(path);
            if (asked && !each.getKey().contains("$")) {
                found.add(Class.forName(each.getKey(), false, loader));
            }
        }
        return found;
    }

    private static String cut(String text) {
        return text.length() > LONGEST ? text.substring(0, LONGEST) : text;
    }

    private final class Teller implements Suite.Listener {
        private final Map<String, String> files;
        private final Deadline deadline =
                new Deadline(Double.parseDouble(wire.one("seconds", "10")), Thread.currentThread());
        private long began;

        Teller(Map<String, String> files) {
            this.files = files;
        }

        @Override
        public void begin(Suite.Id test) {
            wire.emit(record("start", test));
            began = System.nanoTime();
            deadline.begin(() -> end(test, "failed", new IllegalStateException("took longer than it may")));
        }

        @Override
        public void end(Suite.Id test, String outcome, Throwable error) {
            deadline.end();
            Map<String, Object> record = record("test", test);
            record.put("outcome", outcome);
            record.put("seconds", (System.nanoTime() - began) / 1e9);
            record.put("error", error instanceof ThreadDeath ? "took longer than it may" : text(error));
            record.put("asserted", error instanceof AssertionError);
            wire.emit(record);
        }

        @Override
        public void broken(String where, Throwable error) {
            wire.emit(Map.of("event", "broken", "where", where, "error", text(error)));
        }

        private Map<String, Object> record(String event, Suite.Id test) {
            Map<String, Object> record = new LinkedHashMap<>();
            record.put("event", event);
            record.put("name", test.name());
            record.put("file", files.getOrDefault(test.type(), ""));
            return record;
        }

        private static String text(Throwable error) {
            try {
                return error == null ? "" : cut(error.toString());
            } catch (RuntimeException odd) {
                return error.getClass().getName();
            }
        }
    }
}
