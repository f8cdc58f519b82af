import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.Opcodes;

/** Kotlin's compiler, in this machine, reached by name: it is there only where Kotlin is. Its plug-ins do not run. */
final class Kotlin {
    private static final Pattern PACKAGE = Pattern.compile("(?m)^\\s*package\\s+([\\w.`]+)");
    private static final Pattern ERROR = Pattern.compile("(?m)^(.*?\\.kts?):(\\d+):\\d+: error: (.*)$");
    private final List<String> classpath;
    private final String friend;
    final Path out;

    /** {@code friend}: a folder whose internal declarations are visible, or empty. */
    Kotlin(List<String> classpath, String friend) throws IOException {
        this.classpath = classpath;
        this.friend = friend;
        out = Files.createTempDirectory("kotlin");
    }

    /** Compile the Kotlin among the sources; Java beside it is only looked at. */
    Compiler.Compiled compile(Map<String, String> sources) throws Exception {
        Path in = Files.createTempDirectory("sources");
        List<String> words = new ArrayList<>(List.of("-no-stdlib", "-no-reflect", "-nowarn", "-jvm-target", "1.8",
                "-module-name", "main", "-classpath", String.join(":", classpath), "-d", out.toString()));
        if (!friend.isEmpty()) {
            words.add("-Xfriend-paths=" + friend);
        }
        for (Map.Entry<String, String> each : sources.entrySet()) {
            Path file = in.resolve(each.getKey().replace("../", "up/"));
            Files.createDirectories(file.getParent());
            Files.writeString(file, each.getValue());
            words.add(file.toString());
        }
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Class<?> compiler = Class.forName("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler");
        Object code = compiler.getMethod("exec", PrintStream.class, String[].class).invoke(
                compiler.getConstructor().newInstance(), new PrintStream(said), words.toArray(String[]::new));
        if (!code.toString().equals("OK")) {
            return new Compiler.Compiled(Map.of(), Map.of(), errors(said.toString("UTF-8"), sources));
        }
        return classes(sources);
    }

    private static Map<String, String> errors(String said, Map<String, String> sources) {
        Map<String, String> found = new LinkedHashMap<>();
        Matcher matcher = ERROR.matcher(said);
        while (matcher.find()) {
            String told = matcher.group(1);
            String message = "line " + matcher.group(2) + ": " + matcher.group(3);
            sources.keySet().stream().filter(path -> told.endsWith("/" + path.replace("../", "up/")))
                    .forEach(path -> found.putIfAbsent(path, message));
        }
        if (found.isEmpty()) {
            found.put("", said);
        }
        return found;
    }

    private Compiler.Compiled classes(Map<String, String> sources) throws IOException {
        Map<String, String> places = new LinkedHashMap<>();
        sources.forEach((path, text) -> {
            Matcher matcher = PACKAGE.matcher(text);
            String folder = matcher.find() ? matcher.group(1).replace("`", "").replace('.', '/') + "/" : "";
            places.put(folder + path.substring(path.lastIndexOf('/') + 1), path);
        });
        Map<String, byte[]> classes = new LinkedHashMap<>();
        Map<String, String> origins = new LinkedHashMap<>();
        try (Stream<Path> files = Files.walk(out)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                ClassReader reader = new ClassReader(bytes);
                String name = reader.getClassName();
                classes.put(name.replace('/', '.'), bytes);
                String place = name.substring(0, name.lastIndexOf('/') + 1) + source(reader);
                if (places.containsKey(place)) {
                    origins.put(name.replace('/', '.'), places.get(place));
                }
            }
        }
        return new Compiler.Compiled(classes, origins, Map.of());
    }

    private static String source(ClassReader reader) {
        String[] found = {""};
        reader.accept(new ClassVisitor(Opcodes.ASM9) {
            @Override
            public void visitSource(String source, String debug) {
                found[0] = String.valueOf(source);
            }
        }, ClassReader.SKIP_CODE);
        return found[0];
    }
}
