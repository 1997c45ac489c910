package standin;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.ParseException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Calls an {@link RpcServer}: one connection a call. */
public final class RpcClient {
    private final String host;
    private final int port;

    /** Takes an address as otter.properties has it: {@code host:port}. */
    public RpcClient(String address) {
        int colon = address.lastIndexOf(':');
        this.host = address.substring(0, colon);
        this.port = Integer.parseInt(address.substring(colon + 1));
    }

    /** Returns the answer; waits for it at most so many milliseconds, 0 for ever. */
    public JsonObject call(JsonObject call, int timeoutMillis) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), timeoutMillis);
            socket.setSoTimeout(timeoutMillis);
            socket.getOutputStream().write((call + "\n").getBytes(StandardCharsets.UTF_8));
            BufferedReader in = new BufferedReader(new InputStreamReader(
                    socket.getInputStream(), StandardCharsets.UTF_8));
            String line = in.readLine();
            if (line == null) {
                throw new IOException("connection closed before an answer");
            }
            JsonObject answer = Json.parse(line).asObject();
            if (answer.get("error") != null) {
                throw new IOException(answer.getString("error", ""));
            }
            return answer;
        } catch (ParseException e) {
            throw new IOException("not an answer of a manager", e);
        }
    }
}
