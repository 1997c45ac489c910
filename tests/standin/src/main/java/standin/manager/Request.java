package standin.manager;

import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a browser sent: the page asked for and the fields of query, form or multipart form. */
final class Request {
    private static final Pattern MULTIPART =
            Pattern.compile("multipart/form-data;.*boundary=\"?([^\";]+)\"?.*", Pattern.CASE_INSENSITIVE);
    private static final Pattern FIELD_NAME = Pattern.compile("[; ]name=\"([^\"]*)\"");
    private static final Pattern COOKIE = Pattern.compile("JSESSIONID=([A-Za-z0-9-]+)");
    private static final int LARGEST_BODY = 1 << 20;

    final String page;
    final Map<String, String> fields = new HashMap<>();
    private final String cookies;

    Request(HttpExchange exchange) throws IOException {
        page = plain(exchange.getRequestURI().getPath());
        String sent = exchange.getRequestHeaders().getFirst("Cookie");
        cookies = sent == null ? "" : sent;
        parseUrlEncoded(exchange.getRequestURI().getRawQuery());
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        // ISO-8859-1 keeps every byte of a multipart body as one character
        byte[] body = readAll(exchange.getRequestBody());
        Matcher multipart = MULTIPART.matcher(type == null ? "" : type);
        if (multipart.matches()) {
            parseMultipart(new String(body, StandardCharsets.ISO_8859_1), "--" + multipart.group(1));
        } else {
            parseUrlEncoded(new String(body, StandardCharsets.UTF_8));
        }
    }

    /** Returns a field, empty where it was not sent. */
    String field(String name) {
        return fields.getOrDefault(name, "").trim();
    }

    /** Returns action and event as one word, {@code nodeaction.add}, or an empty one. */
    String action() {
        for (Map.Entry<String, String> field : fields.entrySet()) {
            String name = plain(field.getKey());
            if (name.startsWith("eventsubmitdo") && !field.getValue().isEmpty()) {
                return plain(field("action")) + "." + name.substring("eventsubmitdo".length());
            }
        }
        return "";
    }

    /** Returns the session id of the cookie, empty where there is none. */
    String sessionId() {
        Matcher found = COOKIE.matcher(cookies);
        return found.find() ? found.group(1) : "";
    }

    /** otter's framework takes add_node and addNode for the same. */
    private static String plain(String name) {
        return name.replace("_", "").toLowerCase(Locale.ROOT);
    }

    private void parseUrlEncoded(String text) throws IOException {
        for (String pair : (text == null ? "" : text).split("&")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                fields.put(decode(pair.substring(0, equals)), decode(pair.substring(equals + 1)));
            }
        }
    }

    private static String decode(String text) throws IOException {
        return URLDecoder.decode(text, "UTF-8");
    }

    private void parseMultipart(String body, String boundary) {
        for (String part : body.split(Pattern.quote(boundary))) {
            int blank = part.indexOf("\r\n\r\n");
            if (blank < 0) {
                continue;
            }
            Matcher name = FIELD_NAME.matcher(part.substring(0, blank));
            if (name.find()) {
                String value = part.substring(blank + 4).replaceAll("\r\n$", "");
                fields.put(name.group(1), new String(
                        value.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
            }
        }
    }

    private static byte[] readAll(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int n = in.read(buffer); n >= 0 && out.size() < LARGEST_BODY; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        return out.toByteArray();
    }
}
