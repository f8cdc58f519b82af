import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs tests on the JUnit Platform. A test is a method; the rows of one count as one. */
final class Suite {
    private final List<Class<?>> classes;
    private final Set<String> only;
    private final String order;

    /** {@code only} empty: all of them. {@code order}: empty, or a number that shuffles methods and classes. */
    Suite(List<Class<?>> classes, Set<String> only, String order) {
        this.classes = classes;
        this.only = only;
        this.order = order;
    }

    /** A test: the class it stands in and its name, {@code Inner.method} where it stands in an inner class. */
    record Id(String type, String name) {}

    /** Who is told; the outcome is {@code passed}, {@code failed} or {@code skipped}. */
    interface Listener {
        void begin(Id test);

        void end(Id test, String outcome, Throwable error);

        /** Something that is no test failed: a class that does not start, a method for all tests. */
        void broken(String where, Throwable error);
    }

    void run(Listener listener) {
        Launcher launcher = LauncherFactory.create();
        launcher.execute(request(), new Watch(listener));
    }

    private LauncherDiscoveryRequest request() {
        List<DiscoverySelector> selectors = new ArrayList<>();
        classes.forEach(each -> selectors.add(DiscoverySelectors.selectClass(each)));
        LauncherDiscoveryRequestBuilder builder = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectors)
                .filters((PostDiscoveryFilter) each -> FilterResult.includedIf(wanted(id(each.getSource()))))
                .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "false")
                .configurationParameter("junit.jupiter.execution.parallel.enabled", "false");
        if (!order.isEmpty()) {
            builder.configurationParameter(
                            "junit.jupiter.testmethod.order.default", "org.junit.jupiter.api.MethodOrderer$Random")
                    .configurationParameter(
                            "junit.jupiter.testclass.order.default", "org.junit.jupiter.api.ClassOrderer$Random")
                    .configurationParameter("junit.jupiter.execution.order.random.seed", order);
        }
        return builder.build();
    }

    private boolean wanted(Optional<Id> id) {
        return id.isEmpty() || only.isEmpty() || only.contains(id.get().name());
    }

    private static Optional<Id> id(Optional<TestSource> source) {
        return source.filter(MethodSource.class::isInstance).map(MethodSource.class::cast).map(method -> {
            String types = method.getMethodParameterTypes();
            String parameters = types == null || types.isEmpty() ? "" : "(" + types + ")";
            String[] type = method.getClassName().split("\\$", 2);
            String inner = type.length > 1 ? type[1].replace('$', '.') + "." : "";
            return new Id(type[0], inner + method.getMethodName() + parameters);
        });
    }

    /** Joins the rows of a parametrised test: the worst outcome counts. */
    private static final class Watch implements TestExecutionListener {
        private final Listener listener;
        private Id running;
        private String first = "";
        private String outcome = "";
        private Throwable error;

        Watch(Listener listener) {
            this.listener = listener;
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            Optional<Id> id = id(test.getSource());
            if (id.isPresent() && running == null) {
                running = id.get();
                first = test.getUniqueId();
                outcome = "passed";
                error = null;
                listener.begin(running);
            }
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            if (running == null) {
                id(test.getSource()).ifPresent(id -> {
                    listener.begin(id);
                    listener.end(id, "skipped", null);
                });
            }
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            boolean good = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
            if (!good && running != null && !outcome.equals("failed")) {
                outcome = result.getStatus() == TestExecutionResult.Status.FAILED ? "failed" : "skipped";
                error = result.getThrowable().orElse(null);
            } else if (!good && running == null) {
                listener.broken(test.getDisplayName(), result.getThrowable().orElse(null));
            }
            if (running != null && test.getUniqueId().equals(first)) {
                Id ended = running;
                running = null;
                listener.end(ended, outcome, error);
            }
        }
    }
}
