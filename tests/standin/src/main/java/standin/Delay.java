package standin;

/**
 * A time that otter takes, in milliseconds: short by default so that tests are quick.
 *
 * <p>{@code STANDIN_TIMING=measured} takes the times of the real otter; {@code STANDIN_DELAY_NAME=MS}, or
 * {@code -Dstandin.delay-name=MS}, sets one.
 */
public enum Delay {
    MANAGER_START(0, 6_000),
    MANAGER_HTTP_TAKEN(2_000, 32_000),
    MANAGER_STOP(500, 5_500),
    MANAGER_ZOOKEEPER_LOST(60_000, 60_000),
    NODE_START(0, 2_000),
    NODE_BAD_NID(0, 3_000),
    NODE_NOT_FOUND(1_000, 10_000),
    NODE_NO_CLUSTER(2_000, 60_000),
    NODE_PORT_TAKEN(0, 2_500),
    NODE_STOP(200, 1_400),
    NODE_STOP_REFUSED(1_000, 5_000),
    RPC_ANSWER(2_000, 10_000);

    private final long quick;
    private final long measured;

    Delay(long quick, long measured) {
        this.quick = quick;
        this.measured = measured;
    }

    /** Returns the time in force, in milliseconds. */
    public long millis() {
        String set = Switch.value("DELAY_" + name());
        if (set != null) {
            return Long.parseLong(set);
        }
        return "measured".equals(Switch.value("TIMING")) ? measured : quick;
    }

    /** Sleeps for the time in force. */
    public void sleep() {
        try {
            Thread.sleep(millis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Blocks the calling thread for good: the hang of an application that nobody but KILL ends. */
    public static void forEver() {
        while (true) {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException ignored) {
                // a hang that an interrupt could end would be no hang
            }
        }
    }
}
