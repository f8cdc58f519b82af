import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** The JDK's compiler, from text to bytes in memory. Annotation processors never run: they are code of others. */
final class Compiler {
    private final JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
    private final StandardJavaFileManager files = javac.getStandardFileManager(null, Locale.ROOT, null);
    private final List<String> options = new ArrayList<>();

    Compiler(List<String> classpath, String release) {
        options.addAll(List.of("-proc:none", "-g", "-nowarn", "-Xlint:none", "-encoding", "UTF-8", "-parameters"));
        options.addAll(List.of("-classpath", String.join(":", classpath)));
        if (!release.isEmpty()) {
            options.addAll(List.of("--release", release));
        }
    }

    /** What came of it: bytes by class name, the source of each class, the first errors by source. */
    record Compiled(Map<String, byte[]> classes, Map<String, String> origins, Map<String, String> errors) {}

    /** Compile sources (path to text) together; with errors there are no classes. */
    Compiled compile(Map<String, String> sources) {
        Memory memory = new Memory(files);
        DiagnosticCollector<JavaFileObject> heard = new DiagnosticCollector<>();
        List<Source> units = new ArrayList<>();
        sources.forEach((path, text) -> units.add(new Source(path, text)));
        Map<String, String> errors = new LinkedHashMap<>();
        boolean done = units.isEmpty();
        try {
            done = done || javac.getTask(null, memory, heard, options, null, units).call();
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError error) {
            errors.put("", "the compiler gave up: " + error);
        }
        for (Diagnostic<? extends JavaFileObject> each : heard.getDiagnostics()) {
            if (each.getKind() == Diagnostic.Kind.ERROR) {
                String path = each.getSource() instanceof Source source ? source.path : "";
                errors.putIfAbsent(path, "line " + each.getLineNumber() + ": " + each.getMessage(Locale.ROOT));
            }
        }
        if (!done) {
            errors.putIfAbsent(errors.isEmpty() ? "" : errors.keySet().iterator().next(), "does not compile");
            return new Compiled(Map.of(), Map.of(), errors);
        }
        Map<String, byte[]> classes = new LinkedHashMap<>();
        memory.written.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
        return new Compiled(classes, memory.origins, errors);
    }

    private static final class Source extends SimpleJavaFileObject {
        final String path;
        private final String text;

        Source(String path, String text) {
            super(URI.create("memory:///" + path.replace("%", "%25").replace(" ", "%20")), Kind.SOURCE);
            this.path = path;
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    private static final class Memory extends ForwardingJavaFileManager<JavaFileManager> {
        final Map<String, ByteArrayOutputStream> written = new LinkedHashMap<>();
        final Map<String, String> origins = new LinkedHashMap<>();

        Memory(JavaFileManager files) {
            super(files);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
            if (sibling instanceof Source source) {
                origins.put(name, source.path);
            }
            return new SimpleJavaFileObject(URI.create("memory:///" + name.replace('.', '/') + ".class"), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return written.computeIfAbsent(name, key -> new ByteArrayOutputStream());
                }
            };
        }
    }
}
