package standin.manager;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.zookeeper.KeeperException;

/**
 * What the forms do: log in, add a ZooKeeper cluster, add a node, start and stop a channel.
 *
 * <p>Field names are otter's. A form that is refused is shown again, with status 200 and the reason in it.
 */
final class Forms {
    private static final Pattern SERVER_LIST = Pattern.compile("([A-Za-z0-9.-]+:\\d+[,;])*[A-Za-z0-9.-]+:\\d+;");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?");
    private static final Pattern PORT = Pattern.compile("[1-9]\\d{0,4}");
    private static final int SHORTEST_NAME = 4;
    private static final int LONGEST_NAME = 64;

    private final Database database;
    private final Channels channels;

    Forms(Database database, Channels channels) {
        this.database = database;
        this.channels = channels;
    }

    Reply act(String action, Request request, Sessions.Session session)
            throws SQLException, KeeperException, InterruptedException {
        switch (action) {
            case "useraction.login":
                return login(request, session);
            case "autokeeperclusteraction.add":
                return session.useToken(request.field("_csrf_token"))
                        ? insertZooKeeper(request, session) : Reply.redirect("error.htm");
            case "nodeaction.add":
                return session.useToken(request.field("_csrf_token"))
                        ? insertNode(request, session) : Reply.redirect("error.htm");
            case "channelaction.status":
                // a link in otter, so without a token
                return setChannel(request);
            default:
                return Reply.redirect("error.htm");
        }
    }

    /** Shows the form for a node; without a ZooKeeper cluster it is the one for a cluster that comes first. */
    Reply addNode(Sessions.Session session, String refused) throws SQLException {
        List<Database.Named> clusters = database.clusters();
        return clusters.isEmpty()
                ? Reply.redirect("addZookeeper.htm")
                : Reply.page(Pages.addNode(session.newToken(), clusters, refused));
    }

    Reply addZooKeeper(Sessions.Session session, String refused) {
        return Reply.page(Pages.addZooKeeper(session.newToken(), refused));
    }

    private Reply login(Request request, Sessions.Session session) throws SQLException {
        if (!database.knowsUser(request.field("_fm.l._0.n"), request.field("_fm.l._0.p"))) {
            return Reply.page(Pages.login("wrong name or password"));
        }
        session.loggedIn = true;
        return Reply.redirect("channel_list.htm");
    }

    private Reply insertZooKeeper(Request request, Sessions.Session session) throws SQLException {
        String servers = request.field("_fm.a._0.z");
        if (request.field("_fm.a._0.c").isEmpty() || !SERVER_LIST.matcher(servers).matches()) {
            return addZooKeeper(session, "a cluster needs a name and servers like host:port;");
        }
        JsonArray list = new JsonArray();
        for (String group : servers.split(";")) {
            list.add(group);
        }
        database.addCluster(request.field("_fm.a._0.c"), list.toString(), request.field("_fm.a._0.d"));
        return Reply.redirect("auto_keeper_clusters_list.htm");
    }

    private Reply insertNode(Request request, Sessions.Session session) throws SQLException {
        String name = request.field("_fm.n._0.n");
        String ip = request.field("_fm.n._0.ip");
        String port = request.field("_fm.n._0.p");
        if (name.length() < SHORTEST_NAME || name.length() > LONGEST_NAME) {
            return addNode(session, "a name has 4 to 64 characters");
        }
        if (!HOST.matcher(ip).matches() || !PORT.matcher(port).matches()) {
            return addNode(session, "a node needs an address and a port");
        }
        int number = Integer.parseInt(port);
        try {
            database.addNode(name, ip, number, request.field("_fm.n._0.d"), parameters(request, number).toString());
        } catch (SQLIntegrityConstraintViolationException e) {
            return addNode(session, "a node with this name and address exists already");
        }
        return Reply.redirect("node_list.htm");
    }

    private JsonObject parameters(Request request, int port) throws SQLException {
        JsonObject parameters = Json.object()
                .add("downloadPort", portOr(request.field("_fm.no._0.d"), port + 1))
                .add("mbeanPort", portOr(request.field("_fm.no._0.m"), port + 2))
                .add("useExternalIp", "true".equals(request.field("_fm.no._0.u")))
                .add("externalIp", request.field("_fm.no._0.e"));
        String cluster = request.field("_fm.no._0.a");
        for (Database.Named known : database.clusters()) {
            if (cluster.equals(Long.toString(known.id))) {
                parameters.add("zkCluster", Json.object()
                        .add("id", known.id)
                        .add("clusterName", known.name)
                        .add("serverList", Json.parse(database.serverList(known.id))));
            }
        }
        return parameters;
    }

    private static int portOr(String text, int defaultPort) {
        return PORT.matcher(text).matches() ? Integer.parseInt(text) : defaultPort;
    }

    private Reply setChannel(Request request) throws KeeperException, InterruptedException {
        long channel = Long.parseLong(request.field("channelId"));
        boolean start = request.field("status").equals("start");
        channels.set(channel, start ? Channels.State.START : Channels.State.STOP);
        return Reply.redirect("channelList.htm");
    }
}
