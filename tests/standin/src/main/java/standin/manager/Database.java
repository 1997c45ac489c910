package standin.manager;

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
        List<NodeRow> found = query(Database::readNode,
                "SELECT ID, NAME, IP, PORT, PARAMETERS FROM NODE WHERE ID = ?", id);
        return found.isEmpty() ? null : found.get(0);
    }

    /** Returns a page of ten nodes, counted from 1, whose id, name or ip has the text in it, newest first. */
    List<NodeRow> nodes(String search, int page) throws SQLException {
        String like = "%" + search.replace("_", "\\_") + "%";
        return query(Database::readNode,
                "SELECT ID, NAME, IP, PORT, PARAMETERS FROM NODE"
                + " WHERE ID LIKE ? OR NAME LIKE ? OR IP LIKE ? ORDER BY ID DESC LIMIT ?, ?",
                like, like, like, (Math.max(page, 1) - 1) * NODES_PER_PAGE, NODES_PER_PAGE);
    }

    /** Inserts a node; throws SQLIntegrityConstraintViolationException where name and ip are there already. */
    void addNode(String name, String ip, int port, String description, String parameters) throws SQLException {
        update("INSERT INTO NODE (NAME, IP, PORT, DESCRIPTION, PARAMETERS, GMT_CREATE, GMT_MODIFIED)"
                + " VALUES (?, ?, ?, ?, ?, NOW(), NOW())", name, ip, port, description, parameters);
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

    /** Returns the ids of the nodes that the pipelines of a channel run on. */
    List<Long> nodesOfChannel(long channelId) throws SQLException {
        return query(row -> row.getLong(1),
                "SELECT DISTINCT R.NODE_ID FROM PIPELINE_NODE_RELATION R"
                + " JOIN PIPELINE P ON P.ID = R.PIPELINE_ID WHERE P.CHANNEL_ID = ?", channelId);
    }

    boolean knowsUser(String name, String password) throws SQLException {
        return !query(row -> row.getLong(1),
                "SELECT ID FROM USER WHERE USERNAME = ? AND PASSWORD = LEFT(SHA1(?), 20)", name, password).isEmpty();
    }

    private static NodeRow readNode(ResultSet row) throws SQLException {
        return new NodeRow(row.getLong(1), row.getString(2), row.getString(3), row.getInt(4), row.getString(5));
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
