import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

/** An application that does little: twenty threads, or as many as told, and a live set of 60 MB. Told "collect N", it collects for N ms. */
public class Idle {
    private static final List<Object> LIVE = new ArrayList<>();

    public static void main(String[] words) throws Exception {
        // Read by the benchmark: the wall clock at the first statement.
        System.out.println("main " + System.currentTimeMillis());
        int threads = words.length == 0 ? 20 : Integer.parseInt(words[0]);
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> {
                try {
                    Thread.sleep(Long.MAX_VALUE);
                } catch (InterruptedException end) {
                    return;
                }
            }, "idle-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        for (int i = 0; i < 1_000_000; i++) {
            LIVE.add(new long[4]);
        }
        System.out.println("ready");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            long end = System.nanoTime() + Long.parseLong(line.split(" ")[1]) * 1_000_000;
            while (System.nanoTime() < end) {
                System.gc();
            }
            System.out.println("collected");
        }
    }
}
