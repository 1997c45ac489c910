package standin.manager;

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

    static String channels(List<Database.Named> list, Channels channels)
            throws KeeperException, InterruptedException {
        // asked even for an empty list, so that the page is the truth about ZooKeeper
        int live = channels.liveNodes().size();
        StringBuilder rows = new StringBuilder();
        for (Database.Named channel : list) {
            Channels.State state = channels.state(channel.id);
            String link = "channelList.htm?action=channelAction&amp;eventSubmitDoStatus=true&amp;channelId="
                    + channel.id + "&amp;status=";
            rows.append(row(Long.toString(channel.id), escape(channel.name), word(state),
                    state == Channels.State.START
                            ? "<a href=\"" + link + "stop\">停用</a>" : "<a href=\"" + link + "start\">启用</a>"));
        }
        return html("channels, " + live + " live nodes", "<table>" + rows + "</table>");
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
            rows.append(row(Long.toString(node.id), escape(node.name), escape(node.shownAddress()),
                    Integer.toString(node.port), state));
        }
        return html("nodes", "<table>" + rows + "</table><a href=\"addNode.htm\">add</a>");
    }

    static String clusters(List<Database.Named> clusters) {
        StringBuilder rows = new StringBuilder();
        for (Database.Named cluster : clusters) {
            rows.append(row(Long.toString(cluster.id), escape(cluster.name)));
        }
        return html("ZooKeeper clusters", "<table>" + rows + "</table><a href=\"addZookeeper.htm\">add</a>");
    }

    static String addNode(String token, List<Database.Named> clusters, String refused) {
        StringBuilder options = new StringBuilder();
        for (Database.Named cluster : clusters) {
            options.append("<option value=\"").append(cluster.id).append("\">")
                    .append(escape(cluster.name)).append("</option>");
        }
        return html("add a node", refused(refused)
                + "<form name=\"addNodeForm\" method=\"post\" enctype=\"multipart/form-data\">"
                + hidden("_csrf_token", token) + hidden("action", "node_action") + hidden("event_submit_do_add", "1")
                + text("_fm.n._0.n") + text("_fm.n._0.ip") + text("_fm.n._0.p") + text("_fm.n._0.d")
                + text("_fm.no._0.d") + text("_fm.no._0.m") + text("_fm.no._0.e") + text("_fm.no._0.u")
                + "<select name=\"_fm.no._0.a\">" + options + "</select><input type=\"submit\"/></form>");
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
        return "<input type=\"text\" name=\"" + name + "\"/>";
    }

    private static String row(String... cells) {
        return "<tr><td>" + String.join("</td><td>", cells) + "</td></tr>\n";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
