import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jacoco.core.analysis.Analyzer;
import org.jacoco.core.analysis.ICounter;
import org.jacoco.core.analysis.IClassCoverage;
import org.jacoco.core.data.ExecutionData;
import org.jacoco.core.data.ExecutionDataStore;
import org.jacoco.core.data.SessionInfoStore;
import org.jacoco.core.instr.Instrumenter;
import org.jacoco.core.internal.data.CRC64;
import org.jacoco.core.runtime.LoggerRuntime;
import org.jacoco.core.runtime.RuntimeData;

/**
 * Lines and branches by JaCoCo, test by test. JaCoCo counts the branches of a line without telling them apart; here each
 * gets a number, so that what several tests cover can be joined.
 */
final class Coverage {
    private final LoggerRuntime runtime = new LoggerRuntime();
    private final RuntimeData data = new RuntimeData();
    private final Instrumenter instrumenter = new Instrumenter(runtime);
    private final Map<String, String> files;
    private final Map<String, Traced> traced = new LinkedHashMap<>();

    /** {@code files}: the source of each class to be measured, by class name. */
    Coverage(Map<String, String> files) throws Exception {
        this.files = files;
        runtime.startup(data);
    }

    byte[] instrument(String name, byte[] bytes) {
        if (!files.containsKey(name)) {
            return bytes;
        }
        try {
            learn(name, bytes);
            return instrumenter.instrument(bytes, name);
        } catch (IOException error) {
            throw new IllegalStateException(name + " cannot be measured: " + error.getMessage(), error);
        }
    }

    /** Look at a class, loaded or not: all its lines count. */
    void learn(String name, byte[] bytes) throws IOException {
        if (!traced.containsKey(name)) {
            traced.put(name, new Traced(bytes));
        }
    }

    /** What there is: by source, lines and the number of branches of each. */
    private Map<String, TreeMap<Integer, Integer>> shapes() {
        Map<String, TreeMap<Integer, Integer>> found = new LinkedHashMap<>();
        traced.forEach((name, one) -> one.lines.forEach((line, branches) ->
                found.computeIfAbsent(files.get(name), key -> new TreeMap<>()).merge(line, branches, Integer::sum)));
        return found;
    }

    /** What ran so far, a record for each source: lines, and pairs of a line and a branch of it. */
    List<Map<String, Object>> records() {
        ExecutionDataStore ran = new ExecutionDataStore();
        data.collect(ran, new SessionInfoStore(), false);
        Map<String, TreeSet<Integer>> lines = new LinkedHashMap<>();
        Map<String, List<List<Integer>>> branches = new LinkedHashMap<>();
        Map<String, Map<Integer, Integer>> offsets = new HashMap<>();
        traced.forEach((name, one) -> {
            String path = files.get(name);
            Map<Integer, Integer> offset = offsets.computeIfAbsent(path, key -> new HashMap<>());
            ExecutionData probes = ran.get(one.id);
            if (probes != null && probes.hasHits()) {
                lines.computeIfAbsent(path, key -> new TreeSet<>()).addAll(one.covered(probes.getProbes()).keySet());
                one.branches(probes.getProbes()).forEach((line, numbers) -> numbers.forEach(number ->
                        branches.computeIfAbsent(path, key -> new ArrayList<>())
                                .add(List.of(line, offset.getOrDefault(line, 0) + number))));
            }
            one.lines.forEach((line, count) -> offset.merge(line, count, Integer::sum));
        });
        List<Map<String, Object>> found = new ArrayList<>();
        shapes().forEach((path, all) -> {
            List<List<Integer>> pairs = new ArrayList<>();
            all.forEach((line, count) -> pairs.add(List.of(line, count)));
            found.add(Map.of("event", "coverage", "path", path, "lines", lines.getOrDefault(path, new TreeSet<>()),
                    "branches", branches.getOrDefault(path, List.of()), "all", pairs));
        });
        return found;
    }

    /** One class: its lines, and which branches each of JaCoCo's probes stands for. */
    private static final class Traced {
        final long id;
        final TreeMap<Integer, Integer> lines = new TreeMap<>();
        private final byte[] bytes;
        private final Map<Integer, Map<Integer, List<Integer>>> byProbe = new HashMap<>();
        private final Map<Integer, Integer> given = new HashMap<>();
        private String name = "";
        private int probes;

        Traced(byte[] bytes) throws IOException {
            this.bytes = bytes;
            id = CRC64.classId(bytes);
            analyze(null, (line, counter, branch) -> lines.put(line, branch.getTotalCount()));
        }

        private interface Visit {
            void line(int line, ICounter instructions, ICounter branches);
        }

        private void analyze(boolean[] hits, Visit visit) {
            ExecutionDataStore store = new ExecutionDataStore();
            if (hits != null) {
                store.put(new ExecutionData(id, name, hits));
            }
            try {
                new Analyzer(store, found -> each(found, visit)).analyzeClass(bytes, "class");
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        }

        private void each(IClassCoverage found, Visit visit) {
            name = found.getName();
            for (int line = found.getFirstLine(); line >= 0 && line <= found.getLastLine(); line++) {
                if (found.getLine(line).getStatus() != ICounter.EMPTY) {
                    visit.line(line, found.getLine(line).getInstructionCounter(), found.getLine(line).getBranchCounter());
                }
            }
        }

        /** Lines that ran, with the number of their branches that were taken. */
        Map<Integer, Integer> covered(boolean[] hits) {
            Map<Integer, Integer> found = new TreeMap<>();
            analyze(hits, (line, instructions, branches) -> {
                if (instructions.getCoveredCount() > 0) {
                    found.put(line, branches.getCoveredCount());
                }
            });
            return found;
        }

        Map<Integer, TreeSet<Integer>> branches(boolean[] hits) {
            if (probes == 0) {
                probes = hits.length;
                number();
            }
            Map<Integer, TreeSet<Integer>> found = new TreeMap<>();
            for (int probe = 0; probe < probes; probe++) {
                if (hits[probe]) {
                    byProbe.getOrDefault(probe, Map.of()).forEach((line, numbers) ->
                            found.computeIfAbsent(line, key -> new TreeSet<>()).addAll(numbers));
                }
            }
            return found;
        }

        /**
         * A probe covers one path backwards from itself, so what two probes share of a line is the beginning of both
         * paths; counting each probe alone and in pairs is enough to tell every branch from every other.
         */
        private void number() {
            Map<Integer, List<Integer>> onLine = new HashMap<>();
            for (int probe = 0; probe < probes; probe++) {
                Map<Integer, List<Integer>> mine = new HashMap<>();
                byProbe.put(probe, mine);
                int current = probe;
                Map<Integer, Map<Integer, Integer>> pairs = new HashMap<>();
                covered(alone(probe)).forEach((line, count) -> {
                    if (count > 0) {
                        mine.put(line, path(current, line, count, onLine.getOrDefault(line, List.of()), pairs));
                        onLine.computeIfAbsent(line, key -> new ArrayList<>()).add(current);
                    }
                });
            }
        }

        private List<Integer> path(
                int probe, int line, int count, List<Integer> others, Map<Integer, Map<Integer, Integer>> pairs) {
            List<Integer> best = List.of();
            for (int other : others) {
                List<Integer> theirs = byProbe.get(other).get(line);
                int both = pairs.computeIfAbsent(other, key -> covered(alone(probe, key))).getOrDefault(line, 0);
                int shared = Math.min(count + theirs.size() - both, theirs.size());
                if (shared > best.size()) {
                    best = theirs.subList(0, shared);
                }
            }
            List<Integer> path = new ArrayList<>(best);
            while (path.size() < count) {
                path.add(given.merge(line, 1, Integer::sum) - 1);
            }
            return path;
        }

        private boolean[] alone(int... chosen) {
            boolean[] hits = new boolean[probes];
            for (int probe : chosen) {
                hits[probe] = true;
            }
            return hits;
        }
    }
}
