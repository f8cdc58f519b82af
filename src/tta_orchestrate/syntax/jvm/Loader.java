import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Classes of the repository: those in memory first, then those below its folders. A new one forgets all state. */
final class Loader extends URLClassLoader {
    private final Map<String, byte[]> memory;
    private final BiFunction<String, byte[], byte[]> touch;

    /** {@code touch} may change the bytes of a class (coverage does). */
    Loader(List<String> folders, Map<String, byte[]> memory, BiFunction<String, byte[], byte[]> touch) {
        super(urls(folders), Loader.class.getClassLoader());
        this.memory = memory;
        this.touch = touch;
    }

    private static URL[] urls(List<String> folders) {
        return folders.stream().map(Path::of).map(Loader::url).toArray(URL[]::new);
    }

    private static URL url(Path path) {
        try {
            return path.toUri().toURL();
        } catch (MalformedURLException error) {
            throw new IllegalArgumentException(error);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = memory.containsKey(name) ? memory.get(name) : bytes(name);
        byte[] used = touch.apply(name, bytes);
        int dot = name.lastIndexOf('.');
        if (dot > 0 && getDefinedPackage(name.substring(0, dot)) == null) {
            definePackage(name.substring(0, dot), null, null, null, null, null, null, null);
        }
        return defineClass(name, used, 0, used.length);
    }

    byte[] bytes(String name) throws ClassNotFoundException {
        URL found = findResource(name.replace('.', '/') + ".class");
        if (found == null) {
            throw new ClassNotFoundException(name);
        }
        try (InputStream in = found.openStream()) {
            return in.readAllBytes();
        } catch (IOException error) {
            throw new ClassNotFoundException(name, error);
        }
    }
}
