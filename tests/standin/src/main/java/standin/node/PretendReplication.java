package standin.node;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.Properties;
import org.apache.zookeeper.KeeperException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.RpcClient;
import standin.ZooKeeperSession;

/**
 * Pretend replication: while a channel is START, the node of its pipeline copies new rows from table to table.
 *
 * <p>No binlog, no canal, no stages: a row is new when its column ID is larger than that of the last one that was
 * copied. That number is kept beside the target, in the transaction that inserts the rows, so that every row
 * arrives once, whenever a node is killed and whichever node goes on. Updates and deletes are not seen.
 */
final class PretendReplication {
    private static final Logger logger = LoggerFactory.getLogger(PretendReplication.class);
    private static final long ROUND_MILLIS = 500;
    private static final long ASK_MILLIS = 2_000;
    private static final long END_MILLIS = 5_000;
    private static final int BATCH = 100;
    private static final String POSITION = "STANDIN_POSITION";

    private final long nid;
    private final RpcClient manager;
    private final ZooKeeperSession zooKeeper;
    private final Thread thread = new Thread(this::copyAll, "pretend-replication");
    private volatile boolean ended;
    private JsonArray pairs = new JsonArray();
    private long nextAsk;

    PretendReplication(long nid, RpcClient manager, ZooKeeperSession zooKeeper) {
        this.nid = nid;
        this.manager = manager;
        this.zooKeeper = zooKeeper;
        thread.setDaemon(true);
    }

    /** Begins, on a thread of its own. */
    void begin() {
        thread.start();
    }

    /** Ends it: what is not committed by now is not copied here. */
    void end() throws InterruptedException {
        ended = true;
        thread.join(END_MILLIS);
    }

    private void copyAll() {
        while (!ended) {
            askManager();
            for (JsonValue pair : pairs) {
                try {
                    copy(pair.asObject());
                } catch (SQLException | KeeperException | RuntimeException e) {
                    logger.warn("pretend replication of pair {} waits: {}", pair.asObject().get("id"), e.toString());
                } catch (InterruptedException e) {
                    return;
                }
            }
            try {
                Thread.sleep(ROUND_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Learns the pairs of tables; while the manager is away those of before count. */
    private void askManager() {
        if (System.currentTimeMillis() < nextAsk) {
            return;
        }
        try {
            JsonObject call = Json.object().add("call", "findPairs").add("nid", nid);
            pairs = manager.call(call, (int) ASK_MILLIS).get("pairs").asArray();
        } catch (IOException | RuntimeException e) {
            logger.debug("the manager tells no pairs", e);
        }
        nextAsk = System.currentTimeMillis() + ASK_MILLIS;
    }

    private boolean runs(long channel) throws KeeperException, InterruptedException {
        return !ended && "\"START\"".equals(zooKeeper.read("/otter/channel/" + channel, 0));
    }

    private void copy(JsonObject pair) throws SQLException, KeeperException, InterruptedException {
        long channel = pair.getLong("channel", 0);
        if (!runs(channel)) {
            return;
        }
        JsonObject from = pair.get("source").asObject();
        JsonObject to = pair.get("target").asObject();
        long id = pair.getLong("id", 0);
        try (Connection source = connect(from); Connection target = connect(to)) {
            target.setAutoCommit(false);
            long before = position(target, to, id);
            long last = insertNew(source, from, target, to, before);
            // looked at as late as can be: otter's own stages ask too before they load
            if (last == before || !runs(channel)) {
                target.rollback();
                return;
            }
            update(target, "UPDATE " + name(to, POSITION) + " SET LAST_ID = " + last + " WHERE PAIR_ID = " + id);
            target.commit();
            logger.info("pretend replication: pair {} has copied {} up to {}", id, from.getString("table", ""), last);
        }
    }

    /** Returns the ID of the last row that was copied; nobody else copies until the transaction ends. */
    private static long position(Connection target, JsonObject to, long pair) throws SQLException {
        String table = name(to, POSITION);
        String where = " WHERE PAIR_ID = " + pair;
        update(target, "CREATE TABLE IF NOT EXISTS " + table
                + " (PAIR_ID BIGINT NOT NULL PRIMARY KEY, LAST_ID BIGINT NOT NULL) ENGINE=InnoDB");
        update(target, "INSERT IGNORE INTO " + table + " VALUES (" + pair + ", 0)");
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("SELECT LAST_ID FROM " + table + where + " FOR UPDATE")) {
            row.next();
            return row.getLong(1);
        }
    }

    private static long insertNew(Connection source, JsonObject from, Connection target, JsonObject to, long after)
            throws SQLException {
        String select = "SELECT * FROM " + name(from, from.getString("table", "")) + " WHERE ID > " + after
                + " ORDER BY ID LIMIT " + BATCH;
        long last = after;
        try (Statement statement = source.createStatement(); ResultSet row = statement.executeQuery(select)) {
            ResultSetMetaData columns = row.getMetaData();
            try (PreparedStatement insert = target.prepareStatement(insertInto(to, columns))) {
                while (row.next()) {
                    for (int i = 1; i <= columns.getColumnCount(); i++) {
                        insert.setObject(i, row.getObject(i));
                    }
                    insert.executeUpdate();
                    last = row.getLong("ID");
                }
            }
        }
        return last;
    }

    private static String insertInto(JsonObject to, ResultSetMetaData columns) throws SQLException {
        StringBuilder names = new StringBuilder();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            names.append(i == 1 ? "`" : ", `").append(columns.getColumnName(i)).append('`');
        }
        String marks = String.join(", ", Collections.nCopies(columns.getColumnCount(), "?"));
        return "INSERT INTO " + name(to, to.getString("table", "")) + " (" + names + ") VALUES (" + marks + ")";
    }

    private static void update(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private static String name(JsonObject media, String table) {
        return "`" + media.getString("schema", "") + "`.`" + table + "`";
    }

    private static Connection connect(JsonObject media) throws SQLException {
        try {
            Class.forName(media.getString("driver", ""));
        } catch (ClassNotFoundException e) {
            throw new SQLException(e);
        }
        Properties login = new Properties();
        login.setProperty("user", media.getString("username", ""));
        login.setProperty("password", media.getString("password", ""));
        login.setProperty("characterEncoding", "UTF-8");
        login.setProperty("useSSL", "false");
        return DriverManager.getConnection(media.getString("url", ""), login);
    }
}
