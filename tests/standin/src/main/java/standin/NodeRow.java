package standin;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import java.util.ArrayList;
import java.util.List;

/** One row of the table NODE: what the manager knows of a node, and all that a node knows of itself. */
public final class NodeRow {
    public final long id;
    public final String name;
    public final String ip;
    public final int port;
    /** The column PARAMETERS: ports, external ip, ZooKeeper cluster. */
    public final JsonObject parameters;
    public final String description;

    /** Takes the columns as the database has them. */
    public NodeRow(long id, String name, String ip, int port, String parameters, String description) {
        this.description = description == null ? "" : description;
        this.id = id;
        this.name = name;
        this.ip = ip;
        this.port = port;
        boolean none = parameters == null || parameters.isEmpty();
        this.parameters = none ? new JsonObject() : Json.parse(parameters).asObject();
    }

    /** Reads what {@link #toJson} wrote. */
    public static NodeRow fromJson(JsonObject json) {
        return new NodeRow(
                json.getLong("id", 0),
                json.getString("name", ""),
                json.getString("ip", ""),
                json.getInt("port", 0),
                json.get("parameters").toString(),
                "");
    }

    /** Returns the row as one JSON object. */
    public JsonObject toJson() {
        return Json.object()
                .add("id", id)
                .add("name", name)
                .add("ip", ip)
                .add("port", port)
                .add("parameters", parameters);
    }

    /** Returns the download port, by default the one after the node's. */
    public int downloadPort() {
        return parameters.getInt("downloadPort", port + 1);
    }

    /** Returns the JMX port, by default two after the node's. */
    public int mbeanPort() {
        return parameters.getInt("mbeanPort", port + 2);
    }

    /** Tells whether others reach it by its external ip. */
    public boolean usesExternal() {
        return parameters.getBoolean("useExternalIp", false);
    }

    /** Returns the address to show: the external ip where it is to be used, with otter's mark for it. */
    public String shownAddress() {
        return usesExternal() ? parameters.getString("externalIp", "") + " (外)" : ip;
    }

    /** Returns the id of its ZooKeeper cluster, 0 for none. */
    public long cluster() {
        JsonValue cluster = parameters.get("zkCluster");
        return cluster == null || cluster.isNull() ? 0 : cluster.asObject().getLong("id", 0);
    }

    /** Returns the ZooKeeper servers; a row without zkCluster is a NullPointerException, as in otter. */
    public String zooKeeperServers() {
        List<String> servers = new ArrayList<>();
        for (JsonValue server : parameters.get("zkCluster").asObject().get("serverList").asArray()) {
            servers.add(server.asString());
        }
        return String.join(",", servers);
    }
}
