/** Stops a test that takes too long, or else the whole machine. */
final class Deadline extends Thread {
    private static final long TICK = 20;
    private static final long GRACE = 1_000_000_000L;
    private static final int CUT = 3;
    private final long limit;
    private final Thread worker;
    private volatile long until = Long.MAX_VALUE;
    private volatile Runnable last = () -> { };
    private volatile boolean stopped;

    Deadline(double seconds, Thread worker) {
        super("deadline");
        this.worker = worker;
        limit = (long) (seconds * 1e9);
        setDaemon(true);
        setPriority(MAX_PRIORITY);
        start();
    }

    /** From now on the limit runs; {@code last} is done before the machine is stopped. */
    void begin(Runnable last) {
        this.last = last;
        stopped = false;
        until = System.nanoTime() + limit;
    }

    void end() {
        until = Long.MAX_VALUE;
    }

    @Override
    public void run() {
        while (true) {
            try {
                sleep(TICK);
            } catch (InterruptedException ignored) {
                continue;
            }
            if (until != Long.MAX_VALUE && System.nanoTime() - until > 0) {
                pass();
            }
        }
    }

    /** A loop in Java can only be stopped by force, and in newer versions not even so. */
    @SuppressWarnings({"deprecation", "removal"})
    private void pass() {
        if (!stopped) {
            stopped = true;
            until = System.nanoTime() + GRACE;
            try {
                worker.stop();
                return;
            } catch (UnsupportedOperationException tooNew) {
                // falls through
            }
        }
        last.run();
        Runtime.getRuntime().halt(CUT);
    }
}
