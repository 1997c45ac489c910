package standin;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A listening socket where otter has dubbo: a JSON object on one line in, another one out.
 *
 * <p>Its threads are no daemons: like dubbo's they keep a JVM alive whose main thread has died.
 */
public final class RpcServer {
    private static final Logger logger = LoggerFactory.getLogger(RpcServer.class);

    /** What answers a call. */
    public interface Service {
        JsonObject answer(JsonObject call) throws Exception;
    }

    private final ServerSocket socket = new ServerSocket();
    private final Service service;
    private final boolean mute;

    /** Listens on the port on all addresses; throws BindException where it is taken. */
    public RpcServer(int port, Service service, boolean mute) throws IOException {
        this.service = service;
        this.mute = mute;
        socket.bind(new InetSocketAddress(port));
        new Thread(this::acceptAll, "rpc-" + port).start();
    }

    private void acceptAll() {
        while (!socket.isClosed()) {
            try {
                Socket client = socket.accept();
                new Thread(() -> serve(client), "rpc-client").start();
            } catch (IOException e) {
                logger.warn("accept failed", e);
            }
        }
    }

    private void serve(Socket client) {
        try (Socket connection = client;
                BufferedReader in = new BufferedReader(new InputStreamReader(
                        connection.getInputStream(), StandardCharsets.UTF_8));
                OutputStream out = connection.getOutputStream()) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (!mute) {
                    out.write((answer(line) + "\n").getBytes(StandardCharsets.UTF_8));
                    out.flush();
                }
            }
        } catch (IOException e) {
            // a port scan or a TCP check of somebody's gate: not worth a line at WARN
            logger.debug("connection lost", e);
        }
    }

    private JsonObject answer(String line) {
        try {
            return service.answer(Json.parse(line).asObject());
        } catch (Exception e) {
            logger.warn("call failed: {}", line, e);
            return Json.object().add("error", String.valueOf(e));
        }
    }
}
