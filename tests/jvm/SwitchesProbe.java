import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import javax.rmi.ssl.SslRMIClientSocketFactory;

/** What the tests have a JVM do: wait, collect garbage, run out of memory, ask another JVM, print words. */
public class SwitchesProbe {
    public static void main(String[] words) throws Exception {
        switch (words[0]) {
            case "wait":
                System.out.println("probe-is-up " + ManagementFactory.getRuntimeMXBean().getName());
                while (System.in.read() >= 0) {}
                break;
            case "collect":
                for (int i = 0; i < Integer.parseInt(words[1]); i++) {
                    System.gc();
                }
                break;
            case "fill":
                List<byte[]> kept = new ArrayList<>();
                while (true) {
                    kept.add(new byte[1 << 20]);
                }
            case "ask":
                String url = "service:jmx:rmi:///jndi/rmi://127.0.0.1:" + words[1] + "/jmxrmi";
                Map<String, Object> environment = new HashMap<>();
                if (words.length > 2) {
                    environment.put(JMXConnector.CREDENTIALS, new String[] {words[2], words[3]});
                }
                if (System.getProperty("javax.net.ssl.trustStore") != null) {
                    environment.put("com.sun.jndi.rmi.factory.socket", new SslRMIClientSocketFactory());
                }
                JMXServiceURL place = new JMXServiceURL(url);
                try (JMXConnector there = JMXConnectorFactory.connect(place, environment)) {
                    System.out.println(there.getMBeanServerConnection().getMBeanCount() > 0);
                }
                break;
            default:
                for (String word : words) {
                    StringBuilder line = new StringBuilder("word");
                    for (char unit : word.toCharArray()) {
                        line.append(String.format(" %04x", (int) unit));
                    }
                    System.out.println(line);
                }
        }
    }
}
