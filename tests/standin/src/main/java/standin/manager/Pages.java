package standin.manager;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonValue;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.KeeperException;
import standin.NodeRow;

/** The HTML of the pages: plain, but with the words and field names that a reader of otter's pages looks for. */
final class Pages {
    private Pages() { }

    static String message(String text) {
        return html("otter stand-in", "<p>" + escape(text) + "</p>");
    }

    static String login(String refused) {
        return html("login", refused(refused)
                + "<form method=\"post\" name=\"login\" action=\"login.htm\">"
                + hidden("action", "user_action") + hidden("event_submit_do_login", "1")
                + text("_fm.l._0.n") + "<input type=\"password\" name=\"_fm.l._0.p\"/>"
                + "<input type=\"submit\"/></form>");
    }

    static String channels(List<Database.Named> list, Database database, Channels channels)
            throws SQLException, KeeperException, InterruptedException {
        // asked even for an empty list, so that the page is the truth about ZooKeeper
        List<String> live = channels.liveNodes();
        StringBuilder rows = new StringBuilder();
        for (Database.Named channel : list) {
            Channels.State state = channels.state(channel.id);
            boolean ready = true;
            for (long node : database.nodesOfChannel(channel.id)) {
                ready &= live.contains(Long.toString(node));
            }
            String stop = state == Channels.State.STOP ? "" : switchLink(channel.id, "stop", "停用");
            String start = state == Channels.State.START || !ready ? "" : switchLink(channel.id, "start",
                    state == Channels.State.PAUSE ? "解挂" : "启用");
            rows.append(row(Long.toString(channel.id),
                    "<a href=\"pipelineList.htm?channelId=" + channel.id + "\">" + escape(channel.name) + "</a>",
                    "<a href=\"\">" + word(state) + "</a>", "单向", stop + start));
        }
        return html("channels, " + live.size() + " live nodes", "<table>" + rows + "</table>");
    }

    /** A link as otter makes it: one that first asks, in JavaScript. */
    private static String switchLink(long channel, String status, String word) {
        return "<a href=\"javascript:if(confirm('?'))location='channelList.htm?action=channelAction&amp;channelId="
                + channel + "&amp;status=" + status + "&amp;eventSubmitDoStatus=true'\">" + word + "</a>";
    }

    /** What is known of one node, and the channels that it works for. */
    static String node(NodeRow node, boolean runs, List<Database.Named> list, Channels channels)
            throws KeeperException, InterruptedException {
        StringBuilder rows = new StringBuilder();
        for (Database.Named channel : list) {
            rows.append(row(escape(node.ip) + ":" + node.port, "selectNode", "pipeline",
                    "<a href=\"channelList.htm?channelId=" + channel.id + "\">" + escape(channel.name) + "</a>",
                    "<font>" + word(channels.state(channel.id)) + "</font> <a href=\"#\">(状态查询)</a>"));
        }
        String known = row(Long.toString(node.id)) + row(escape(node.name)) + row(escape(node.ip) + ":" + node.port)
                + row(runs ? "START" : "STOP");
        return html("node", "<table>" + known + "</table><table>" + rows + "</table>");
    }

    /** The pipelines of a channel; as in otter only the first one begins a row. */
    static String pipelines(List<Database.Named> list) {
        StringBuilder rows = new StringBuilder("<tr>");
        for (Database.Named pipeline : list) {
            rows.append("<td>").append(pipeline.id).append("</td><td><a href=\"dataMediaPairList.htm?pipelineId=")
                    .append(pipeline.id).append("\">").append(escape(pipeline.name))
                    .append("</a></td><td><a href=\"pipelineInfo.htm?pipelineId=").append(pipeline.id)
                    .append("\">查看</a></td></tr>\n");
        }
        return html("pipelines", "<table>" + rows + "</table>");
    }

    /** What is known of a pipeline: the nodes that select and that load. */
    static String pipeline(long id, List<Database.Named> select, List<Database.Named> load) {
        return html("pipeline", "<table>" + row(Long.toString(id)) + row(nodeLinks(select)) + row(nodeLinks(load))
                + "</table>");
    }

    private static String nodeLinks(List<Database.Named> nodes) {
        StringBuilder links = new StringBuilder();
        for (Database.Named node : nodes) {
            links.append(" <a href=\"nodeInfo.htm?nodeId=").append(node.id).append("\">")
                    .append(escape(node.name)).append("</a>;");
        }
        return links.toString();
    }

    private static String word(Channels.State state) {
        switch (state) {
            case START:
                return "运行";
            case PAUSE:
                return "挂起";
            default:
                return "停止";
        }
    }

    static String nodes(List<NodeRow> nodes, List<String> live) {
        StringBuilder rows = new StringBuilder();
        for (NodeRow node : nodes) {
            String state = live.contains(Long.toString(node.id)) ? "已启动" : "<font color=\"#FF0000\">未启动</font>";
            String about = "<div><a href=\"nodeInfo.htm?nodeId=" + node.id + "\" class=\"trigger\">"
                    + escape(node.name) + "</a><div class=\"popup\">" + escape(node.description) + "</div></div>";
            rows.append(row(Long.toString(node.id), about, escape(node.shownAddress()),
                    Integer.toString(node.port), state));
        }
        return html("nodes", "<table>" + rows + "</table><a href=\"addNode.htm\">add</a>");
    }

    static String clusters(List<Database.Named> clusters, Database database) throws SQLException {
        StringBuilder rows = new StringBuilder();
        for (Database.Named cluster : clusters) {
            List<String> servers = new ArrayList<>();
            for (JsonValue server : Json.parse(database.serverList(cluster.id)).asArray()) {
                servers.add(server.asString());
            }
            rows.append(row(Long.toString(cluster.id), "<a href=\"autoKeeperClustersDetail.htm?clusterId="
                    + cluster.id + "\">" + escape(cluster.name) + "</a>", escape(servers.toString()), ""));
        }
        return html("ZooKeeper clusters", "<table>" + rows + "</table><a href=\"addZookeeper.htm\">add</a>");
    }

    /** The form of a node: empty for a new one, else with what its row holds. */
    static String nodeForm(String token, List<Database.Named> clusters, String refused, NodeRow row) {
        boolean fresh = row == null;
        StringBuilder options = new StringBuilder();
        for (Database.Named cluster : clusters) {
            options.append("<option value=\"").append(cluster.id).append('"')
                    .append(!fresh && row.cluster() == cluster.id ? " selected" : "").append('>')
                    .append(escape(cluster.name)).append("</option>");
        }
        String ids = fresh ? "" : hidden("_fm.n._0.id", "" + row.id) + hidden("nodeId", "" + row.id);
        boolean external = !fresh && row.usesExternal();
        return html(fresh ? "add a node" : "edit a node", refused(refused)
                + "<form name=\"nodeForm\" method=\"post\" enctype=\"multipart/form-data\">"
                + hidden("_csrf_token", token) + hidden("action", "node_action")
                + hidden(fresh ? "event_submit_do_add" : "event_submit_do_edit", "1") + ids
                + "<table>" + row(text("_fm.n._0.n", fresh ? "" : row.name) + "<span class=\"red\">*</span>")
                + row(text("_fm.n._0.ip", fresh ? "" : row.ip)) + row(text("_fm.n._0.p", fresh ? "" : "" + row.port))
                + row(text("_fm.no._0.d", fresh ? "" : "" + row.downloadPort()))
                + row(text("_fm.no._0.m", fresh ? "" : "" + row.mbeanPort()))
                + row(text("_fm.no._0.e", fresh ? "" : row.parameters.getString("externalIp", "")))
                + row(radio("true", external) + radio("false", !external))
                // otter forgets the end of this select when a node is edited
                + row("<select name=\"_fm.no._0.a\">" + options + (fresh ? "</select>" : ""))
                + row("<textarea name=\"_fm.n._0.d\">" + (fresh ? "" : escape(row.description)) + "</textarea>")
                + "</table></form>");
    }

    private static String radio(String value, boolean checked) {
        return "<input type=\"radio\" name=\"_fm.no._0.u\" value=\"" + value + "\""
                + (checked ? " checked=\"checked\"" : "") + "/>";
    }

    static String addZooKeeper(String token, String refused) {
        return html("add a ZooKeeper cluster", refused(refused)
                + "<form name=\"addZkClusterForm\" method=\"post\" enctype=\"multipart/form-data\">"
                + hidden("_csrf_token", token) + hidden("action", "auto_keeper_cluster_action")
                + hidden("event_submit_do_add", "1")
                + text("_fm.a._0.c") + text("_fm.a._0.z") + text("_fm.a._0.d") + "<input type=\"submit\"/></form>");
    }

    private static String html(String title, String body) {
        return "<!DOCTYPE html><html><head><meta charset=\"UTF-8\"/><title>" + escape(title)
                + "</title></head><body>" + body + "</body></html>\n";
    }

    private static String refused(String reason) {
        return "<span class=\"red\">" + escape(reason) + "</span>";
    }

    private static String hidden(String name, String value) {
        return "<input type=\"hidden\" name=\"" + name + "\" value=\"" + escape(value) + "\"/>";
    }

    private static String text(String name) {
        return text(name, "");
    }

    private static String text(String name, String value) {
        return "<input type=\"text\" name=\"" + name + "\" value=\"" + escape(value) + "\"/>";
    }

    private static String row(String... cells) {
        return "<tr><td>" + String.join("</td><td>", cells) + "</td></tr>\n";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
