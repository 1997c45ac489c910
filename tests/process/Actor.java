import sun.misc.Signal;

/** A real JVM for the process tests: says "ready", and stays until it is told to end. */
public class Actor {
    public static void main(String[] words) throws Exception {
        if (words.length > 0 && words[0].equals("stubborn")) {
            Signal.handle(new Signal("TERM"), signal -> System.out.println("java ignores TERM"));
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook ran")));
        System.out.println("java is ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
