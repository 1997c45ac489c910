import java.util.Random;

/**
 * A healthy JVM that is busy: a live set of a given share of the heap that is renewed all the time, so that
 * the old generation fills up and is collected. Flat out in its own slot of a cycle, quiet otherwise:
 * a dozen of them then take a part of one core.
 *
 * Busy LIVE_SHARE SLOT SLOT_SECONDS CYCLE_SECONDS
 */
public class Busy {
    private static final int PIECE = 16 << 10;

    public static void main(String[] words) throws Exception {
        double share = Double.parseDouble(words[0]);
        long slot = Long.parseLong(words[1]) * Long.parseLong(words[2]) * 1000;
        long length = Long.parseLong(words[2]) * 1000;
        long cycle = Long.parseLong(words[3]) * 1000;
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException error) { }
            System.exit(0);
        });
        watch.setDaemon(true);
        watch.start();
        Object[] live = new Object[(int) (Runtime.getRuntime().maxMemory() * share / PIECE)];
        Random random = new Random(7);
        int at = 0;
        long sum = 0;
        while (true) {
            for (int i = 0; i < 64; i++) {
                byte[] piece = new byte[PIECE - 16];
                piece[i] = 1;
                // One in eight renews the live set in order of age, which is what fills the old generation.
                if (i % 8 == 0) {
                    live[at] = piece;
                    at = (at + 1) % live.length;
                }
                for (int k = 0; k < piece.length; k += 64) {
                    sum += piece[k];
                }
                sum += random.nextInt();
            }
            long now = System.currentTimeMillis() % cycle;
            if (now < slot || now >= slot + length) {
                Thread.sleep(200);
            }
            if (sum == 42) {
                System.out.println(sum);
            }
        }
    }
}
