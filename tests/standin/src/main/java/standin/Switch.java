package standin;

import java.util.Locale;

/**
 * A failure of otter that can be switched on: {@code -Dstandin.NAME=true} or {@code STANDIN_NAME=true}.
 *
 * <p>Every one mirrors something that the real otter was seen to do; README.md has the table.
 */
public enum Switch {
    JDK_STRICT,
    MANAGER_START_FAIL,
    MANAGER_WEBX_FAIL,
    MANAGER_HTTP_NEVER,
    MANAGER_RPC_MUTE,
    MANAGER_STOP_HANG,
    NODE_JAVASSIST_FAIL,
    NODE_STOP_HANG;

    /** Says whether the switch is on. */
    public boolean on() {
        return "true".equals(value(name()));
    }

    /** Says whether this JDK is one on which otter as shipped cannot run, and that is to be mirrored. */
    public static boolean jdkRefused() {
        // 8 calls itself 1.8
        return JDK_STRICT.on() && !System.getProperty("java.specification.version").startsWith("1.");
    }

    /** Returns the value of a system property {@code standin.a-b} or else of the variable {@code STANDIN_A_B}. */
    static String value(String name) {
        String property = "standin." + name.toLowerCase(Locale.ROOT).replace('_', '-');
        return System.getProperty(property, System.getenv("STANDIN_" + name));
    }
}
