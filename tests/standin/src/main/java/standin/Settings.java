package standin;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/**
 * otter.properties as otter reads it: the file first, system properties for what the file lacks, with
 * <code>${key}</code> resolved inside values the way Spring does it.
 */
public final class Settings {
    private static final String CLASSPATH = "classpath:";
    private static final int DEEPEST_NESTING = 16;

    private final Properties file;

    private Settings(Properties file) {
        this.file = file;
    }

    /**
     * Reads {@code classpath:NAME} (the first on the classpath wins) or a plain path.
     *
     * <p>A {@code file:} URL is taken as a path and so not found, as otter's launcher does. The encoding
     * is that of {@link Properties#load(InputStream)}: ISO-8859-1 and Unicode escapes.
     */
    public static Settings load(String place) throws IOException {
        Properties properties = new Properties();
        try (InputStream in = open(place)) {
            properties.load(in);
        }
        return new Settings(properties);
    }

    private static InputStream open(String place) throws IOException {
        if (!place.startsWith(CLASSPATH)) {
            return new FileInputStream(place);
        }
        String name = place.substring(CLASSPATH.length());
        InputStream in = Settings.class.getClassLoader().getResourceAsStream(name);
        if (in == null) {
            throw new FileNotFoundException(name + " is not on the classpath");
        }
        return in;
    }

    /** Copies every key into the system properties, so that the file beats {@code -D}. */
    public void copyToSystemProperties() {
        for (String key : file.stringPropertyNames()) {
            System.setProperty(key, file.getProperty(key));
        }
    }

    /** Returns a value with its placeholders resolved, or the default where neither file nor system has it. */
    public String get(String key, String defaultValue) {
        String raw = lookUp(key);
        return raw == null ? defaultValue : resolve(raw.trim(), 0);
    }

    /** Returns a value that must exist. */
    public String get(String key) {
        String value = get(key, null);
        if (value == null) {
            throw new IllegalArgumentException("otter.properties has no " + key);
        }
        return value;
    }

    /** Returns a whole number. */
    public int number(String key, int defaultValue) {
        return Integer.parseInt(get(key, Integer.toString(defaultValue)));
    }

    private String lookUp(String key) {
        String value = file.getProperty(key);
        return value != null ? value : System.getProperty(key);
    }

    private String resolve(String text, int depth) {
        if (depth > DEEPEST_NESTING) {
            throw new IllegalArgumentException("Circular placeholder in " + text);
        }
        StringBuilder out = new StringBuilder();
        int at = 0;
        for (int open = text.indexOf("${"); open >= 0; open = text.indexOf("${", at)) {
            int close = text.indexOf('}', open);
            if (close < 0) {
                break;
            }
            String key = text.substring(open + 2, close);
            String value = lookUp(key);
            if (value == null) {
                throw new IllegalArgumentException("Could not resolve placeholder '" + key + "'");
            }
            out.append(text, at, open).append(resolve(value.trim(), depth + 1));
            at = close + 1;
        }
        return out.append(text.substring(at)).toString();
    }
}
