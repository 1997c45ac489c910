package standin.manager;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.zookeeper.KeeperException;
import standin.NodeRow;

/**
 * What the forms do: log in, add a ZooKeeper cluster, add a node, start and stop a channel.
 *
 * <p>Field names are otter's. A form that is refused is shown again, with status 200 and the reason in it.
 */
final class Forms {
    private static final Pattern SERVER_LIST = Pattern.compile("([A-Za-z0-9.-]+:\\d+[,;])*[A-Za-z0-9.-]+:\\d+;");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?");
    private static final Pattern PORT = Pattern.compile("[1-9]\\d{0,4}");
    private static final String REPEATED = "数据库中存在重复的Node配置(可能原因：Node重复，或者IP+PORT重复)";
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
            case "nodeaction.edit":
                return session.useToken(request.field("_csrf_token"))
                        ? updateNode(request, session) : Reply.redirect("error.htm");
            case "nodeaction.delete":
                // a link in otter, so without a token
                return deleteNode(request);
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
                ? Reply.redirect("addZookeeper.htm?message=init")
                : Reply.page(Pages.nodeForm(session.newToken(), clusters, refused, null));
    }

    /** Shows the form of a node; one that runs cannot be edited. */
    Reply editNode(long id, Sessions.Session session, String refused)
            throws SQLException, KeeperException, InterruptedException {
        NodeRow row = database.node(id);
        if (row == null) {
            throw new IllegalArgumentException("query nodeId:" + id + " return null.");
        }
        return channels.liveNodes().contains(Long.toString(id))
                ? Reply.redirect("forbidden.htm")
                : Reply.page(Pages.nodeForm(session.newToken(), database.clusters(), refused, row));
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
        String wrong = wrongWith(request);
        if (!wrong.isEmpty()) {
            return addNode(session, wrong);
        }
        int port = Integer.parseInt(request.field("_fm.n._0.p"));
        if (!database.isUnique(0, name, ip)) {
            return addNode(session, REPEATED);
        }
        try {
            database.addNode(name, ip, port, request.field("_fm.n._0.d"), parameters(request, port).toString());
        } catch (SQLIntegrityConstraintViolationException e) {
            return addNode(session, REPEATED);
        }
        return Reply.redirect("node_list.htm");
    }

    /** Changes a node, also one that runs: otter only keeps its form from being shown. */
    private Reply updateNode(Request request, Sessions.Session session)
            throws SQLException, KeeperException, InterruptedException {
        long id = Long.parseLong(request.field("_fm.n._0.id"));
        String wrong = wrongWith(request);
        if (!wrong.isEmpty()) {
            return editNode(id, session, wrong);
        }
        String name = request.field("_fm.n._0.n");
        String ip = request.field("_fm.n._0.ip");
        if (!database.isUnique(id, name, ip)) {
            return editNode(id, session, REPEATED);
        }
        int port = Integer.parseInt(request.field("_fm.n._0.p"));
        database.editNode(id, name, ip, port, request.field("_fm.n._0.d"), parameters(request, port).toString());
        return Reply.redirect("nodeList.htm?pageIndex=" + request.field("pageIndex"));
    }

    private Reply deleteNode(Request request) throws SQLException, KeeperException, InterruptedException {
        long id = Long.parseLong(request.field("nodeId"));
        if (database.isUsed(id) || channels.liveNodes().contains(Long.toString(id))) {
            return Reply.redirect("forbidden.htm");
        }
        database.removeNode(id);
        return Reply.redirect("nodeList.htm");
    }

    private static String wrongWith(Request request) {
        String name = request.field("_fm.n._0.n");
        if (name.length() < SHORTEST_NAME || name.length() > LONGEST_NAME) {
            return "服务器的名字 最少由4个字符组成，最多不能超过64个字符";
        }
        if (!HOST.matcher(request.field("_fm.n._0.ip")).matches()) {
            return "服务器的IP 不是一个合法的(hostname)";
        }
        if (!PORT.matcher(request.field("_fm.n._0.p")).matches()) {
            return "服务器的端口 必须是数字且是整数";
        }
        boolean external = "true".equals(request.field("_fm.no._0.u"));
        return external && request.field("_fm.no._0.e").isEmpty() ? "启用外部IP通讯时必须填写外部IP" : "";
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
