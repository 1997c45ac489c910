package standin.node;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.rmi.registry.LocateRegistry;
import javax.management.remote.JMXConnectorServerFactory;
import javax.management.remote.JMXServiceURL;
import org.apache.zookeeper.KeeperException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.Delay;
import standin.NodeRow;
import standin.RpcClient;
import standin.RpcServer;
import standin.Settings;
import standin.Switch;
import standin.ZooKeeperSession;

/**
 * The node: it knows its number, asks the manager for the rest, opens its ports and then its ephemeral.
 *
 * <p>The order is otter's: ports 2088, 2090, 2089 of its row, then {@code /otter/node/NID}, so open ports
 * prove nothing.
 */
public final class NodeServer {
    private static final Logger logger = LoggerFactory.getLogger(NodeServer.class);
    private static final String[] DIRECTORIES = {"otter.htdocs.dir", "otter.download.dir", "otter.extend.dir"};

    private Settings settings;
    private RpcClient manager;
    private long nid;
    private ZooKeeperSession zooKeeper;
    private PretendReplication replication;

    /** Starts the node, or says by StartFailure that the JVM is to end; any other exception is a zombie. */
    public void start() throws StartFailure, IOException, KeeperException, InterruptedException {
        readConfiguration();
        Delay.NODE_START.sleep();
        NodeRow row = askManager();
        connectZooKeeper(row);
        openPorts(row);
        String path = "/otter/node/" + nid;
        zooKeeper.createEphemeral(path, row.toJson().toString());
        zooKeeper.onNewSession(() -> recreate(path, row));
        replication = new PretendReplication(nid, manager, zooKeeper);
        replication.begin();
    }

    private void readConfiguration() throws StartFailure {
        try {
            settings = Settings.load("classpath:otter.properties");
            settings.copyToSystemProperties();
            nid = Long.parseLong(System.getProperty("nid", "").trim());
            for (String key : DIRECTORIES) {
                Files.createDirectories(Paths.get(settings.get(key)));
            }
            // otter's own bean for canal names it without a value for its absence
            settings.get("otter.communication.pool.size");
            manager = new RpcClient(settings.get("otter.manager.address"));
        } catch (IOException | RuntimeException e) {
            throw new StartFailure(e, Delay.NODE_BAD_NID);
        }
    }

    private NodeRow askManager() throws StartFailure {
        JsonValue row = Json.NULL;
        try {
            if (Switch.NODE_JAVASSIST_FAIL.on() || Switch.jdkRefused()) {
                throw new IOException("invalid constant type: 18");
            }
            JsonObject call = Json.object().add("call", "findNode").add("nid", nid);
            row = manager.call(call, (int) Delay.RPC_ANSWER.millis()).get("node");
        } catch (IOException e) {
            // only this tells a manager that is down from a row that is missing
            new IOException("RpcException: no answer from manager", e).printStackTrace();
        }
        if (row == null || row.isNull()) {
            String message = "nid:" + nid + " in manager[" + settings.get("otter.manager.address") + "]is not found!";
            throw new StartFailure(new IllegalStateException(message), Delay.NODE_NOT_FOUND);
        }
        return NodeRow.fromJson(row.asObject());
    }

    private void connectZooKeeper(NodeRow row) throws StartFailure, IOException, InterruptedException {
        String servers;
        try {
            servers = row.zooKeeperServers();
        } catch (NullPointerException e) {
            throw new StartFailure(e, Delay.NODE_NO_CLUSTER);
        }
        zooKeeper = new ZooKeeperSession(servers, settings.number("otter.zookeeper.sessionTimeout", 60_000));
        zooKeeper.awaitConnected();
    }

    private void openPorts(NodeRow row) throws StartFailure {
        try {
            new RpcServer(row.port, call -> Json.object().add("nid", nid), false);
            openJmx(row.mbeanPort());
            HttpServer download = HttpServer.create(new InetSocketAddress(row.downloadPort()), 0);
            download.createContext("/", exchange -> {
                exchange.sendResponseHeaders(404, -1);
                exchange.close();
            });
            download.start();
        } catch (IOException e) {
            throw new StartFailure(e, Delay.NODE_PORT_TAKEN);
        }
    }

    private static void openJmx(int port) throws IOException {
        LocateRegistry.createRegistry(port);
        JMXServiceURL url = new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + port + "/mbean");
        JMXConnectorServerFactory.newJMXConnectorServer(url, null, ManagementFactory.getPlatformMBeanServer())
                .start();
    }

    private void recreate(String path, NodeRow row) {
        try {
            zooKeeper.awaitConnected();
            zooKeeper.createEphemeral(path, row.toJson().toString());
        } catch (KeeperException e) {
            logger.error("cannot register again", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Copies no more, leaves ZooKeeper, then the manager: refused costs a while, an unreachable manager hangs for ever. */
    public void stop() {
        try {
            if (Switch.NODE_STOP_HANG.on()) {
                Delay.forEver();
            }
            replication.end();
            zooKeeper.close();
            manager.call(Json.object().add("call", "leave").add("nid", nid), 0);
        } catch (IOException e) {
            logger.warn("the manager does not answer", e);
            Delay.NODE_STOP_REFUSED.sleep();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Delay.NODE_STOP.sleep();
    }
}
