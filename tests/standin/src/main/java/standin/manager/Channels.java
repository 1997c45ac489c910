package standin.manager;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.Delay;
import standin.Settings;
import standin.ZooKeeperSession;

/**
 * The state of channels in ZooKeeper, {@code /otter/channel/ID}, and what the manager does to it by itself.
 *
 * <p>A channel that loses its only node becomes PAUSE and stays so when the node is back, until somebody
 * starts it or the self-monitor does, which looks every otter.manager.monitor.self.interval seconds.
 */
final class Channels {
    private static final Logger logger = LoggerFactory.getLogger(Channels.class);
    private static final String NODES = "/otter/node";
    private static final long LOOK_MILLIS = 500;

    /** A state as the znode has it: a JSON string. */
    enum State { START, PAUSE, STOP }

    private final Database database;
    private final ZooKeeperSession zooKeeper;
    private final boolean recovers;
    private final long recoveryMillis;
    private final Semaphore changed = new Semaphore(0);
    private final Watcher wake = event -> changed.release();

    Channels(Database database, ZooKeeperSession zooKeeper, Settings settings) {
        this.database = database;
        this.zooKeeper = zooKeeper;
        this.recovers = "true".equals(settings.get("otter.manager.monitor.self.enable", "true"))
                && "true".equals(settings.get("otter.manager.monitor.recovery.paused", "true"));
        this.recoveryMillis = settings.number("otter.manager.monitor.self.interval", 120) * 1000L;
    }

    /** Returns the ids of the nodes that have an ephemeral; waits for ZooKeeper when it is away. */
    List<String> liveNodes() throws KeeperException, InterruptedException {
        return zooKeeper.children(NODES, null, Delay.MANAGER_ZOOKEEPER_LOST.millis());
    }

    State state(long channelId) throws KeeperException, InterruptedException {
        String text = zooKeeper.read(path(channelId), Delay.MANAGER_ZOOKEEPER_LOST.millis());
        return text == null || text.isEmpty() ? State.STOP : State.valueOf(text.replace("\"", ""));
    }

    void set(long channelId, State state) throws KeeperException, InterruptedException {
        zooKeeper.write(path(channelId), '"' + state.name() + '"');
        logger.info("channel {} is {}", channelId, state);
    }

    private static String path(long channelId) {
        return "/otter/channel/" + channelId;
    }

    /** Begins to watch nodes come and go, on a thread of its own. */
    void watchNodes() {
        Thread thread = new Thread(this::watch, "self-monitor");
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        List<String> before = new ArrayList<>();
        long nextRecovery = System.currentTimeMillis() + recoveryMillis;
        while (true) {
            try {
                changed.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                changed.drainPermits();
                // one watcher for all time: ZooKeeper keeps it once, however often it is set
                List<String> now = zooKeeper.children(NODES, wake, Delay.MANAGER_ZOOKEEPER_LOST.millis());
                if (!now.equals(before)) {
                    logger.info("live nodes are {}", now);
                }
                if (!now.containsAll(before)) {
                    change(State.START, State.PAUSE, now);
                }
                before = now;
                if (recovers && System.currentTimeMillis() > nextRecovery) {
                    nextRecovery += recoveryMillis;
                    change(State.PAUSE, State.START, now);
                }
            } catch (KeeperException | SQLException | RuntimeException e) {
                logger.warn("self-monitor found no database or ZooKeeper", e);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Pauses channels that have no live node, starts those that have one. */
    private void change(State from, State to, List<String> live)
            throws KeeperException, SQLException, InterruptedException {
        for (Database.Named channel : database.channels()) {
            boolean runs = database.nodesOfChannel(channel.id).stream().anyMatch(id -> live.contains("" + id));
            if (runs == (to == State.START) && state(channel.id) == from) {
                set(channel.id, to);
            }
        }
    }
}
