package standin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A ZooKeeper session that outlives outages: it waits for ever for the first connection, waits through
 * lost ones, and opens a new session when the old one has expired.
 */
public final class ZooKeeperSession implements Watcher {
    private static final Logger logger = LoggerFactory.getLogger(ZooKeeperSession.class);
    private static final long RETRY_MILLIS = 100;
    /** The rhythm of the warnings of a manager that waits for ZooKeeper. */
    private static final long WARNING_MILLIS = 1_100;

    /** What is done with a live client. */
    public interface Work<T> {
        T with(ZooKeeper client) throws KeeperException, InterruptedException;
    }

    private final String servers;
    private final int timeoutMillis;
    private volatile ZooKeeper client;
    private volatile Runnable onNewSession = () -> { };

    /** Begins to connect; servers as otter has them, separated by {@code ,} or {@code ;}. */
    public ZooKeeperSession(String servers, int timeoutMillis) throws IOException {
        this.servers = servers.replace(';', ',').replaceAll(",+$", "");
        this.timeoutMillis = timeoutMillis;
        this.client = new ZooKeeper(this.servers, timeoutMillis, this);
    }

    /** Says what is to be done again after an expired session: ephemerals died with it. */
    public void onNewSession(Runnable action) {
        onNewSession = action;
    }

    /** Blocks until ZooKeeper is there, with a warning every 1.1 s. */
    public void awaitConnected() throws InterruptedException {
        long waited = 0;
        while (!client.getState().isConnected()) {
            Thread.sleep(RETRY_MILLIS);
            waited += RETRY_MILLIS;
            if (waited % WARNING_MILLIS == 0) {
                logger.warn("no connection to ZooKeeper {} yet", servers);
            }
        }
    }

    /** Does the work, again and again while the connection is lost, for at most so many milliseconds. */
    public <T> T insist(long patienceMillis, Work<T> work) throws KeeperException, InterruptedException {
        long deadline = System.currentTimeMillis() + patienceMillis;
        while (true) {
            try {
                return work.with(client);
            } catch (KeeperException.ConnectionLossException | KeeperException.SessionExpiredException e) {
                if (System.currentTimeMillis() > deadline) {
                    throw e;
                }
                Thread.sleep(RETRY_MILLIS);
            }
        }
    }

    /** Creates an ephemeral; throws NodeExistsException where another session's is still there. */
    public void createEphemeral(String path, String text) throws KeeperException, InterruptedException {
        ensure(path.substring(0, path.lastIndexOf('/')));
        client.create(path, bytes(text), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    }

    /** Writes a persistent znode, creating it and its parents. */
    public void write(String path, String text) throws KeeperException, InterruptedException {
        ensure(path);
        client.setData(path, bytes(text), -1);
    }

    /** Returns the text of a znode, null where there is none. */
    public String read(String path, long patienceMillis) throws KeeperException, InterruptedException {
        return insist(patienceMillis, zk -> {
            try {
                return new String(zk.getData(path, false, null), StandardCharsets.UTF_8);
            } catch (KeeperException.NoNodeException e) {
                return null;
            }
        });
    }

    /** Returns the names below a path, creating the path; a watcher, if any, hears of the next change. */
    public List<String> children(String path, Watcher watcher, long patienceMillis)
            throws KeeperException, InterruptedException {
        return insist(patienceMillis, zk -> {
            ensure(path);
            return zk.getChildren(path, watcher);
        });
    }

    /** Ends the session, which removes its ephemerals at once. */
    public void close() throws InterruptedException {
        client.close();
    }

    @Override
    public void process(WatchedEvent event) {
        if (event.getState() != Event.KeeperState.Expired) {
            return;
        }
        logger.warn("the ZooKeeper session expired, opening another");
        try {
            client = new ZooKeeper(servers, timeoutMillis, this);
            Thread again = new Thread(onNewSession, "new-session");
            again.setDaemon(true);
            again.start();
        } catch (IOException e) {
            logger.error("cannot open another ZooKeeper session", e);
        }
    }

    private void ensure(String path) throws KeeperException, InterruptedException {
        for (int slash = path.indexOf('/', 1); ; slash = path.indexOf('/', slash + 1)) {
            String part = slash < 0 ? path : path.substring(0, slash);
            try {
                client.create(part, new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            } catch (KeeperException.NodeExistsException e) {
                // another manager or node was here first
            }
            if (slash < 0) {
                return;
            }
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
