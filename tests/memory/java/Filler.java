import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntUnaryOperator;

/**
 * Fills every region of a JVM as far as it is told: heap, classes, threads with used stacks, direct
 * memory, compiled code. Prints "filled" when all of it stands, churns on for a while, and exits 0.
 *
 * <p>Arguments: classes=N threads=N direct=MIB compiled=N seconds=N. The heap is filled to 62% with
 * live data that keeps being replaced, so that all of it gets touched.
 */
public final class Filler {
    private static final List<Object> HELD = Collections.synchronizedList(new ArrayList<>());
    private static final AtomicLong SEEN = new AtomicLong();
    private static final CountDownLatch NEVER = new CountDownLatch(1);
    private static final String NAME = "Template00000";

    private Filler() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, Integer> wanted = new HashMap<>();
        for (String argument : arguments) {
            String[] pair = argument.split("=");
            wanted.put(pair[0], Integer.valueOf(pair[1]));
        }
        // The churning threads below and what every JVM starts (about 12) count as well.
        startThreads(wanted.get("threads") - 16);
        fillDirect(wanted.get("direct"));
        List<IntUnaryOperator> code = loadClasses(wanted.get("classes"));
        long max = Runtime.getRuntime().maxMemory();
        Heap heap = new Heap((long) (max * 0.62));
        long end = System.nanoTime() + wanted.get("seconds") * 1_000_000_000L;
        Thread churn = new Thread(() -> heap.churn(end), "churn");
        churn.start();
        compile(code.subList(0, Math.min(code.size(), wanted.get("compiled"))));
        System.out.println("compiled");
        churn.join();
        System.out.printf("filled heap=%d of %d%n", heap.live() >> 20, max >> 20);
        System.exit(0);
    }

    private static void startThreads(int count) throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(Math.max(count, 0));
        for (int at = 0; at < count; at++) {
            // One of eight goes deep, as one request of a server may.
            int depth = at % 8 == 0 ? 2000 : 250;
            Thread thread = new Thread(() -> {
                SEEN.addAndGet(deepen(depth, 1, 2, 3, 4));
                ready.countDown();
                try {
                    NEVER.await();
                } catch (InterruptedException ended) {
                    Thread.currentThread().interrupt();
                }
            }, "filler-" + at);
            thread.setDaemon(true);
            thread.start();
        }
        ready.await();
    }

    private static long deepen(int left, long a, long b, long c, long d) {
        return left == 0 ? a + b + c + d : deepen(left - 1, a + 1, b ^ a, c + b, d ^ c) + a;
    }

    private static void fillDirect(int mib) {
        for (int at = 0; at < mib; at++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
            for (int page = 0; page < 1 << 20; page += 4096) {
                buffer.put(page, (byte) at);
            }
            HELD.add(buffer);
        }
    }

    private static List<IntUnaryOperator> loadClasses(int count) throws Exception {
        byte[] template = read(Filler.class.getResourceAsStream(NAME + ".class"));
        List<IntUnaryOperator> made = new ArrayList<>();
        Loader loader = null;
        for (int at = 1; at <= count; at++) {
            loader = loader == null || at % 100 == 0 ? new Loader() : loader;
            Class<?> type = loader.define(renamed(template, String.format("Template%05d", at)));
            made.add((IntUnaryOperator) type.getDeclaredConstructor().newInstance());
        }
        for (IntUnaryOperator one : made) {
            SEEN.addAndGet(one.applyAsInt(3));
        }
        return made;
    }

    private static byte[] renamed(byte[] template, String name) {
        byte[] from = NAME.getBytes(StandardCharsets.US_ASCII);
        byte[] into = name.getBytes(StandardCharsets.US_ASCII);
        byte[] made = template.clone();
        for (int at = 0; at + from.length <= made.length; at++) {
            int same = 0;
            while (same < from.length && made[at + same] == from[same]) {
                same++;
            }
            if (same == from.length) {
                System.arraycopy(into, 0, made, at, into.length);
            }
        }
        return made;
    }

    private static byte[] read(InputStream input) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int count = input.read(part); count >= 0; count = input.read(part)) {
            all.write(part, 0, count);
        }
        return all.toByteArray();
    }

    private static void compile(List<IntUnaryOperator> code) {
        for (IntUnaryOperator one : code) {
            int sum = 0;
            for (int round = 0; round < 3000; round++) {
                sum += one.applyAsInt(round);
            }
            SEEN.addAndGet(sum);
        }
        // Some of it hot enough for the optimizing compiler, with its large working memory.
        for (IntUnaryOperator one : code.subList(0, Math.min(code.size(), 200))) {
            int sum = 0;
            for (int round = 0; round < 20000; round++) {
                sum += one.applyAsInt(round);
            }
            SEEN.addAndGet(sum);
        }
    }

    private static final class Loader extends ClassLoader {
        Class<?> define(byte[] code) {
            return defineClass(null, code, 0, code.length);
        }
    }

    /** Live data of a given size, of which random parts are replaced: old objects point to new ones. */
    private static final class Heap {
        private final Object[][] slots;
        private final Random random = new Random(42);

        Heap(long bytes) {
            slots = new Object[(int) (bytes / (64 * 1100))][];
        }

        void churn(long end) {
            for (int at = 0; at < slots.length; at++) {
                slots[at] = block();
            }
            System.out.println("live");
            while (System.nanoTime() < end) {
                for (int times = 0; times < 1000; times++) {
                    Object[] old = slots[random.nextInt(slots.length)];
                    old[random.nextInt(63)] = new byte[1024 + random.nextInt(96)];
                    if (times % 50 == 0) {
                        slots[random.nextInt(slots.length)] = block();
                    }
                }
                SEEN.incrementAndGet();
            }
        }

        private Object[] block() {
            Object[] made = new Object[64];
            for (int at = 0; at < 63; at++) {
                made[at] = new byte[1024];
            }
            // No longer chain than one: a chain would keep what was replaced.
            made[63] = random.nextInt(slots.length);
            return made;
        }

        long live() {
            return (long) slots.length * 64 * 1100;
        }
    }
}
