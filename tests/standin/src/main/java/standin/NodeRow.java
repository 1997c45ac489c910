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

    /** Takes the columns as the database has them. */
    public NodeRow(long id, String name, String ip, int port, String parameters) {
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
                json.get("parameters").toString());
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

    /** Returns the address to show: the external ip where it is to be used. */
    public String shownAddress() {
        return parameters.getBoolean("useExternalIp", false) ? parameters.getString("externalIp", "") : ip;
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
