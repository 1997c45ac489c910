package standin.manager;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import standin.NodeRow;
import standin.Settings;

/** The manager's tables, one connection a question: a database that is down fails at once and heals at once. */
final class Database {
    private static final int NODES_PER_PAGE = 10;
    private static final String NODE = "SELECT ID, NAME, IP, PORT, PARAMETERS, DESCRIPTION FROM NODE";

    private final Settings settings;

    /** A ZooKeeper cluster or a channel. */
    static final class Named {
        final long id;
        final String name;

        Named(long id, String name) {
            this.id = id;
            this.name = name;
        }
    }

    private interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    Database(Settings settings) {
        this.settings = settings;
    }

    NodeRow node(long id) throws SQLException {
        List<NodeRow> found = query(Database::readNode, NODE + " WHERE ID = ?", id);
        return found.isEmpty() ? null : found.get(0);
    }

    /**
     * Returns a page of ten nodes, counted from 1, whose id, name or ip has the text in it, newest first.
     *
     * <p>As in otter, a page before the first is the first, and one past the last is the last.
     */
    List<NodeRow> nodes(String search, int page) throws SQLException {
        String like = "%" + search.replace("_", "\\_") + "%";
        String where = " WHERE ID LIKE ? OR NAME LIKE ? OR IP LIKE ?";
        long count = query(row -> row.getLong(1), "SELECT COUNT(*) FROM NODE" + where, like, like, like).get(0);
        long last = Math.max(1, (count + NODES_PER_PAGE - 1) / NODES_PER_PAGE);
        return query(Database::readNode, NODE + where + " ORDER BY ID DESC LIMIT ?, ?",
                like, like, like, (Math.min(Math.max(page, 1), last) - 1) * NODES_PER_PAGE, NODES_PER_PAGE);
    }

    /** Tells whether no other node has this name and ip: what otter asks before it inserts or updates. */
    boolean isUnique(long id, String name, String ip) throws SQLException {
        return query(row -> row.getLong(1),
                "SELECT ID FROM NODE WHERE ID != ? AND NAME = ? AND IP = ?", id, name, ip).isEmpty();
    }

    /**
     * Inserts a node, by otter's own statement: where the name is there, or ip and port together are, it
     * inserts nothing and says nothing. Several at once may be a deadlock, which is an SQLException for one.
     */
    void addNode(String name, String ip, int port, String description, String parameters) throws SQLException {
        update("INSERT INTO NODE (NAME, IP, PORT, DESCRIPTION, PARAMETERS, GMT_CREATE, GMT_MODIFIED)"
                + " SELECT ?, ?, ?, ?, ?, NOW(), NOW() FROM DUAL WHERE NOT EXISTS"
                + " (SELECT * FROM NODE WHERE NODE.NAME = ? OR (NODE.IP = ? AND NODE.PORT = ?))",
                name, ip, port, description, parameters, name, ip, port);
    }

    void editNode(long id, String name, String ip, int port, String description, String parameters)
            throws SQLException {
        update("UPDATE NODE SET NAME = ?, IP = ?, PORT = ?, DESCRIPTION = ?, PARAMETERS = ?, GMT_MODIFIED = NOW()"
                + " WHERE ID = ?", name, ip, port, description, parameters, id);
    }

    void removeNode(long id) throws SQLException {
        update("DELETE FROM NODE WHERE ID = ?", id);
    }

    /** Tells whether a pipeline runs on a node. */
    boolean isUsed(long nodeId) throws SQLException {
        return !query(row -> row.getLong(1),
                "SELECT ID FROM PIPELINE_NODE_RELATION WHERE NODE_ID = ? LIMIT 1", nodeId).isEmpty();
    }

    List<Named> clusters() throws SQLException {
        return query(Database::readNamed, "SELECT ID, CLUSTER_NAME FROM AUTOKEEPER_CLUSTER ORDER BY ID");
    }

    /** Returns the column SERVER_LIST: a JSON array of host:port. */
    String serverList(long clusterId) throws SQLException {
        return query(row -> row.getString(1),
                "SELECT SERVER_LIST FROM AUTOKEEPER_CLUSTER WHERE ID = ?", clusterId).get(0);
    }

    void addCluster(String name, String serverList, String description) throws SQLException {
        update("INSERT INTO AUTOKEEPER_CLUSTER (CLUSTER_NAME, SERVER_LIST, DESCRIPTION, GMT_CREATE, GMT_MODIFIED)"
                + " VALUES (?, ?, ?, NOW(), NOW())", name, serverList, description);
    }

    List<Named> channels() throws SQLException {
        return query(Database::readNamed, "SELECT ID, NAME FROM CHANNEL ORDER BY ID DESC");
    }

    /** Returns the channels with a pipeline that runs on a node. */
    List<Named> channelsOfNode(long nodeId) throws SQLException {
        return query(Database::readNamed, "SELECT DISTINCT C.ID, C.NAME FROM CHANNEL C"
                + " JOIN PIPELINE P ON P.CHANNEL_ID = C.ID JOIN PIPELINE_NODE_RELATION R ON R.PIPELINE_ID = P.ID"
                + " WHERE R.NODE_ID = ? ORDER BY C.ID DESC", nodeId);
    }

    /** Returns the ids of the nodes that the pipelines of a channel run on. */
    List<Long> nodesOfChannel(long channelId) throws SQLException {
        return query(row -> row.getLong(1),
                "SELECT DISTINCT R.NODE_ID FROM PIPELINE_NODE_RELATION R"
                + " JOIN PIPELINE P ON P.ID = R.PIPELINE_ID WHERE P.CHANNEL_ID = ?", channelId);
    }

    List<Named> pipelines(long channelId) throws SQLException {
        return query(Database::readNamed, "SELECT ID, NAME FROM PIPELINE WHERE CHANNEL_ID = ? ORDER BY ID", channelId);
    }

    /** Returns the nodes that have one of a pipeline's stages: SELECT, EXTRACT or LOAD. */
    List<Named> nodesOfPipeline(long pipelineId, String stage) throws SQLException {
        return query(Database::readNamed, "SELECT N.ID, N.NAME FROM NODE N JOIN PIPELINE_NODE_RELATION R"
                + " ON R.NODE_ID = N.ID WHERE R.PIPELINE_ID = ? AND R.LOCATION = ? ORDER BY N.ID", pipelineId, stage);
    }

    /** Returns the pairs of tables whose rows a node selects, with all that it needs to copy them. */
    JsonArray pairs(long nodeId) throws SQLException {
        JsonArray pairs = new JsonArray();
        query(row -> Json.object()
                .add("id", row.getLong(1))
                .add("channel", row.getLong(2))
                .add("source", readMedia(row, 3))
                .add("target", readMedia(row, 6)),
                "SELECT X.ID, P.CHANNEL_ID, S.NAMESPACE, S.NAME, SS.PROPERTIES, T.NAMESPACE, T.NAME, TS.PROPERTIES"
                + " FROM DATA_MEDIA_PAIR X JOIN PIPELINE P ON P.ID = X.PIPELINE_ID"
                + " JOIN PIPELINE_NODE_RELATION R ON R.PIPELINE_ID = P.ID AND R.LOCATION = 'SELECT'"
                + " JOIN DATA_MEDIA S ON S.ID = X.SOURCE_DATA_MEDIA_ID"
                + " JOIN DATA_MEDIA_SOURCE SS ON SS.ID = S.DATA_MEDIA_SOURCE_ID"
                + " JOIN DATA_MEDIA T ON T.ID = X.TARGET_DATA_MEDIA_ID"
                + " JOIN DATA_MEDIA_SOURCE TS ON TS.ID = T.DATA_MEDIA_SOURCE_ID"
                + " WHERE R.NODE_ID = ? ORDER BY X.ID", nodeId).forEach(pairs::add);
        return pairs;
    }

    private static JsonObject readMedia(ResultSet row, int first) throws SQLException {
        return Json.parse(row.getString(first + 2)).asObject()
                .set("schema", row.getString(first))
                .set("table", row.getString(first + 1));
    }

    boolean knowsUser(String name, String password) throws SQLException {
        // otter's way to keep a password: three pieces of its MD5
        return !query(row -> row.getLong(1),
                "SELECT U.ID FROM USER U, (SELECT MD5(?) AS D) AS GIVEN WHERE U.USERNAME = ?"
                + " AND U.PASSWORD = CONCAT(SUBSTR(D, 27, 6), SUBSTR(D, 11, 7), SUBSTR(D, 16, 7))",
                password, name).isEmpty();
    }

    private static NodeRow readNode(ResultSet row) throws SQLException {
        return new NodeRow(row.getLong(1), row.getString(2), row.getString(3), row.getInt(4), row.getString(5),
                row.getString(6));
    }

    private static Named readNamed(ResultSet row) throws SQLException {
        return new Named(row.getLong(1), row.getString(2));
    }

    private <T> List<T> query(RowReader<T> reader, String sql, Object... values) throws SQLException {
        try (Connection connection = connect(); PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            List<T> found = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(reader.read(rows));
                }
            }
            return found;
        }
    }

    private void update(String sql, Object... values) throws SQLException {
        try (Connection connection = connect(); PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            statement.executeUpdate();
        }
    }

    private static void bind(PreparedStatement statement, Object[] values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
    }

    private Connection connect() throws SQLException {
        try {
            Class.forName(settings.get("otter.database.driver.class.name"));
        } catch (ClassNotFoundException e) {
            throw new SQLException(e);
        }
        Properties login = new Properties();
        login.setProperty("user", settings.get("otter.database.driver.username"));
        login.setProperty("password", settings.get("otter.database.driver.password"));
        login.setProperty("characterEncoding", "UTF-8");
        // else the driver prints a warning about certificates at every connection
        login.setProperty("useSSL", "false");
        return DriverManager.getConnection(settings.get("otter.database.driver.url"), login);
    }
}
