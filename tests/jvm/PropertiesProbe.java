import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.PrintStream;
import java.util.Properties;
import java.util.TreeMap;

/** Loads each file on standard input (length, bytes) and prints what java.util.Properties read, in hex. */
public class PropertiesProbe {
    public static void main(String[] args) throws Exception {
        DataInputStream in = new DataInputStream(System.in);
        PrintStream out = new PrintStream(System.out, false, "US-ASCII");
        while (true) {
            byte[] file;
            try {
                file = new byte[in.readInt()];
            } catch (EOFException end) {
                break;
            }
            in.readFully(file);
            Properties properties = new Properties();
            try {
                properties.load(new ByteArrayInputStream(file));
                StringBuilder line = new StringBuilder("ok");
                for (Object key : new TreeMap<Object, Object>(properties).keySet()) {
                    line.append(' ').append(hex((String) key));
                    line.append('=').append(hex(properties.getProperty((String) key)));
                }
                out.println(line);
            } catch (IllegalArgumentException malformed) {
                out.println("malformed");
            }
        }
        out.flush();
    }

    private static String hex(String text) {
        StringBuilder units = new StringBuilder();
        for (char unit : text.toCharArray()) {
            units.append(String.format("%04x", (int) unit));
        }
        return units.toString();
    }
}
