import java.util.concurrent.CountDownLatch;

/** A real JVM with a disease of its choice: deadlock, oom, thrash or stubborn. */
public class Sick {
    public static void main(String[] words) throws Exception {
        switch (words[0]) {
            case "deadlock":
                deadlock();
                break;
            case "oom":
                System.out.println("java is ready");
                byte[][] all = new byte[1 << 20][];
                for (int i = 0; ; i++) {
                    all[i] = new byte[1 << 20];
                }
            case "thrash":
                thrash();
                break;
            case "stubborn":
                sun.misc.Signal.handle(new sun.misc.Signal("TERM"), signal -> { });
                break;
            default:
                break;
        }
        System.out.println("java is ready");
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void deadlock() throws Exception {
        Object left = new Object();
        Object right = new Object();
        CountDownLatch both = new CountDownLatch(2);
        lock("left-first", left, right, both).start();
        lock("right-first", right, left, both).start();
        both.await();
        Thread.sleep(200);
    }

    private static Thread lock(String name, Object first, Object second, CountDownLatch both) {
        return new Thread(() -> {
            synchronized (first) {
                both.countDown();
                try {
                    both.await();
                } catch (InterruptedException error) {
                    return;
                }
                synchronized (second) { }
            }
        }, name);
    }

    /** Keeps nearly all of the heap alive: every allocation ends in a full collection. */
    private static void thrash() {
        byte[][] live = new byte[(int) (Runtime.getRuntime().maxMemory() * 0.97 / 16384)][];
        System.out.println("java is ready");
        for (int i = 0; ; i++) {
            try {
                live[i % live.length] = new byte[16368];
            } catch (OutOfMemoryError error) {
                for (int k = 0; k <= live.length / 100; k++) {
                    live[(i + k) % live.length] = null;
                }
            }
        }
    }
}
