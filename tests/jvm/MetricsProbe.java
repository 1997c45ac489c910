import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ClassLoadingMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/** Does what it is told on standard input, a line at a time, and shows its own MXBeans. */
public class MetricsProbe {
    static volatile Object sink;
    static final List<Object> kept = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i < 5; i++) {
            Thread thread = new Thread(() -> {
                try {
                    Thread.sleep(Long.MAX_VALUE);
                } catch (InterruptedException end) {
                    return;
                }
            });
            thread.setDaemon(i > 0);
            thread.start();
        }
        beans(new StringBuilder());
        System.out.println("ready");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            StringBuilder answer = new StringBuilder();
            if (words[0].equals("beans")) {
                beans(answer);
            } else if (words[0].equals("gc")) {
                System.gc();
            } else if (words[0].equals("allocate")) {
                allocate(Integer.parseInt(words[1]));
            }
            System.out.print(answer.append("done\n"));
            System.out.flush();
        }
        System.exit(0);
    }

    static void allocate(int mebibytes) {
        for (int i = 0; i < mebibytes * 16; i++) {
            sink = new byte[65536];
            if (i % 64 == 0) {
                kept.add(new byte[65536]);
            }
        }
    }

    static void beans(StringBuilder out) {
        usage(out, "area", "heap", ManagementFactory.getMemoryMXBean().getHeapMemoryUsage());
        usage(out, "area", "nonheap", ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage());
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            usage(out, "pool", pool.getName(), pool.getUsage());
        }
        for (GarbageCollectorMXBean gc : ManagementFactory.getGarbageCollectorMXBeans()) {
            row(out, "gc", gc.getName(), gc.getCollectionCount(), gc.getCollectionTime());
        }
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        row(out, "threads", "", threads.getThreadCount(), threads.getDaemonThreadCount(),
            threads.getPeakThreadCount(), threads.getTotalStartedThreadCount());
        ClassLoadingMXBean classes = ManagementFactory.getClassLoadingMXBean();
        row(out, "classes", "", classes.getLoadedClassCount(), classes.getTotalLoadedClassCount(),
            classes.getUnloadedClassCount());
        row(out, "compilation", "", ManagementFactory.getCompilationMXBean().getTotalCompilationTime());
    }

    static void usage(StringBuilder out, String kind, String name, MemoryUsage usage) {
        row(out, kind, name, usage.getUsed(), usage.getCommitted(), usage.getMax());
    }

    static void row(StringBuilder out, Object... cells) {
        for (Object cell : cells) {
            out.append(cell).append('\t');
        }
        out.append('\n');
    }
}
