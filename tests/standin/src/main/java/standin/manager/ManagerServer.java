package standin.manager;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.sun.net.httpserver.HttpServer;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.Delay;
import standin.NodeRow;
import standin.RpcServer;
import standin.Settings;
import standin.Switch;
import standin.ZooKeeperSession;

/**
 * The manager's start order: ZooKeeper, dubbo's port, then the web port.
 *
 * <p>The web application has its configuration from the classpath, only the web server's port comes from
 * what the launcher read. An application that fails leaves a web server behind that answers 503.
 */
public final class ManagerServer {
    private static final Logger logger = LoggerFactory.getLogger(ManagerServer.class);
    private static final int SERVICE_UNAVAILABLE = 503;
    /** What otter's beans name without a value for its absence. */
    private static final String[] REQUIRED = {
        "otter.domainName", "otter.port",
        "otter.database.driver.class.name", "otter.database.driver.url",
        "otter.database.driver.username", "otter.database.driver.password",
        "otter.manager.monitor.email.host", "otter.manager.monitor.email.username",
        "otter.manager.monitor.email.password",
    };

    private ZooKeeperSession zooKeeper;
    private Path temporary;
    private boolean webxFailed;

    /** Starts everything; what it throws ends the JVM with exit code 0. */
    public void start() throws Exception {
        requireOnClasspath(System.getProperty("otter.jetty", "jetty.xml"));
        requireOnClasspath("webapp");
        if (Switch.MANAGER_START_FAIL.on()) {
            throw new IllegalStateException("a start failure was switched on");
        }
        Delay.MANAGER_START.sleep();
        Web web = startApplication();
        if (Switch.MANAGER_HTTP_NEVER.on()) {
            Delay.forEver();
        }
        int port = Integer.parseInt(System.getProperty("otter.port", "8080"));
        // Jetty unpacks its application here: a /tmp that cannot be written is a failed start
        temporary = Paths.get(System.getProperty("java.io.tmpdir"), "jetty-0.0.0.0-" + port + "-webapp-_-any-");
        Files.createDirectories(temporary);
        startWebServer(port, web);
    }

    private static void requireOnClasspath(String name) throws FileNotFoundException {
        if (ManagerServer.class.getClassLoader().getResource(name) == null) {
            throw new FileNotFoundException(name + " is not on the classpath");
        }
    }

    /** Returns null where the application failed: the web server then has nothing but 503. */
    private Web startApplication() throws InterruptedException {
        if (Switch.MANAGER_WEBX_FAIL.on() || Switch.jdkRefused()) {
            webxFailed = true;
            logger.error("web application failed", new IllegalArgumentException("Unknown flag 0x1000"));
            return null;
        }
        try {
            Settings settings = Settings.load("classpath:otter.properties");
            for (String key : REQUIRED) {
                settings.get(key);
            }
            zooKeeper = new ZooKeeperSession(
                    settings.get("otter.zookeeper.cluster.default"),
                    settings.number("otter.zookeeper.sessionTimeout", 60_000));
            zooKeeper.awaitConnected();
            Database database = new Database(settings);
            int port = settings.number("otter.communication.manager.port", 1099);
            new RpcServer(port, call -> answer(database, call), Switch.MANAGER_RPC_MUTE.on());
            Channels channels = new Channels(database, zooKeeper, settings);
            channels.watchNodes();
            return new Web(settings, database, channels);
        } catch (IOException | RuntimeException e) {
            logger.error("web application failed", e);
            return null;
        }
    }

    private static void startWebServer(int port, Web web) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        // a page that hangs on ZooKeeper must not stop the others
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            if (web == null) {
                exchange.sendResponseHeaders(SERVICE_UNAVAILABLE, -1);
                exchange.close();
            } else {
                web.serve(exchange);
            }
        });
        server.start();
    }

    private static JsonObject answer(Database database, JsonObject call) throws Exception {
        switch (call.getString("call", "")) {
            case "findNode":
                NodeRow row = database.node(call.getLong("nid", -1));
                JsonValue found = row == null ? Json.NULL : row.toJson();
                return Json.object().add("node", found);
            case "findPairs":
                return Json.object().add("pairs", database.pairs(call.getLong("nid", -1)));
            case "leave":
                return Json.object().add("ok", true);
            default:
                throw new IllegalArgumentException("unknown call");
        }
    }

    /** Stops in otter's time; never, where the web application failed. */
    public void stop() {
        if (webxFailed || Switch.MANAGER_STOP_HANG.on()) {
            Delay.forEver();
        }
        Delay.MANAGER_STOP.sleep();
        try {
            if (zooKeeper != null) {
                zooKeeper.close();
            }
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            logger.warn("cannot remove {}", temporary, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
