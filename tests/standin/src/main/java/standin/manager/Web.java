package standin.manager;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.zookeeper.KeeperException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.NodeRow;
import standin.Settings;

/** The manager's pages: which URL is what, who may see it, and how a failure looks. */
final class Web {
    private static final Logger logger = LoggerFactory.getLogger(Web.class);
    private static final Set<String> NEED_LOGIN = new HashSet<>(
            Arrays.asList("/addnode.htm", "/addzookeeper.htm", "/editnode.htm"));
    private static final int JMX_MILLIS = 5000;

    private final String site;
    private final Database database;
    private final Channels channels;
    private final Forms forms;
    private final Sessions sessions = new Sessions();

    Web(Settings settings, Database database, Channels channels) {
        // links and redirects name the configured domain, right or wrong
        this.site = "http://" + settings.get("otter.domainName") + ":" + settings.get("otter.port") + "/";
        this.database = database;
        this.channels = channels;
        this.forms = new Forms(database, channels);
    }

    /** Answers one request; a failed question to database or ZooKeeper is a 500. */
    void serve(HttpExchange exchange) throws IOException {
        try {
            Request request = new Request(exchange);
            Sessions.Session session = sessions.of(request);
            exchange.getResponseHeaders().set("Set-Cookie", "JSESSIONID=" + session.id + "; Path=/; HttpOnly");
            send(exchange, reply(request, session));
        } catch (SQLException | KeeperException | RuntimeException e) {
            logger.error("page failed: {}", exchange.getRequestURI(), e);
            send(exchange, Reply.error(500, "Internal Server Error"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    private Reply reply(Request request, Sessions.Session session)
            throws SQLException, KeeperException, InterruptedException {
        String action = request.action();
        boolean logsIn = action.equals("useraction.login");
        if (!session.loggedIn && !logsIn && (NEED_LOGIN.contains(request.page) || !action.isEmpty())) {
            return Reply.redirect("login.htm");
        }
        if (!action.isEmpty()) {
            return forms.act(action, request, session);
        }
        return page(request, session);
    }

    private Reply page(Request request, Sessions.Session session)
            throws SQLException, KeeperException, InterruptedException {
        switch (request.page) {
            case "/":
                return Reply.redirect("channel_list.htm");
            case "/monitor/ok.htm":
                return Reply.page("\nserver is ok!\n");
            case "/ok.htm":
                return Reply.redirect("forbidden.htm");
            case "/forbidden.htm":
                return Reply.page(Pages.message("forbidden"));
            case "/error.htm":
                return Reply.page(Pages.message("the request was refused"));
            case "/login.htm":
                return Reply.page(Pages.login(""));
            case "/channellist.htm":
                return Reply.page(Pages.channels(listed(request), database, channels));
            case "/pipelinelist.htm":
                return Reply.page(Pages.pipelines(database.pipelines(Long.parseLong(request.field("channelId")))));
            case "/pipelineinfo.htm":
                return Reply.page(pipeline(Long.parseLong(request.field("pipelineId"))));
            case "/nodelist.htm":
                return Reply.page(nodes(request));
            case "/autokeeperclusterslist.htm":
                return Reply.page(Pages.clusters(database.clusters(), database));
            case "/nodeinfo.htm":
                return Reply.page(node(Long.parseLong(request.field("nodeId"))));
            case "/editnode.htm":
                return forms.editNode(Long.parseLong(request.field("nodeId")), session, "");
            case "/addnode.htm":
                return forms.addNode(session, "");
            case "/addzookeeper.htm":
                return forms.addZooKeeper(session, "");
            default:
                return Reply.error(404, "Not Found");
        }
    }

    /** Returns the channels to list: all, or the one that is asked for. */
    private List<Database.Named> listed(Request request) throws SQLException {
        List<Database.Named> all = database.channels();
        String id = request.field("channelId");
        all.removeIf(channel -> !id.isEmpty() && !id.equals(Long.toString(channel.id)));
        return all;
    }

    /** What is known of a node; of one that runs otter asks more, by JMX, and fails where that cannot be had. */
    private String node(long id) throws SQLException, KeeperException, InterruptedException {
        NodeRow row = database.node(id);
        boolean runs = channels.liveNodes().contains(Long.toString(id));
        if (runs) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(row.ip, row.mbeanPort()), JMX_MILLIS);
            } catch (IOException e) {
                throw new IllegalStateException("no JMX of node " + id, e);
            }
        }
        return Pages.node(row, runs, database.channelsOfNode(id), channels);
    }

    private String pipeline(long id) throws SQLException {
        return Pages.pipeline(id, database.nodesOfPipeline(id, "SELECT"), database.nodesOfPipeline(id, "LOAD"));
    }

    private String nodes(Request request) throws SQLException, KeeperException, InterruptedException {
        int page = request.field("pageIndex").matches("\\d{1,6}") ? Integer.parseInt(request.field("pageIndex")) : 1;
        return Pages.nodes(database.nodes(request.field("searchKey"), page), channels.liveNodes());
    }

    private void send(HttpExchange exchange, Reply reply) throws IOException {
        if (reply.location != null) {
            exchange.getResponseHeaders().set("Location", site + reply.location);
            exchange.sendResponseHeaders(reply.status, -1);
            return;
        }
        byte[] body = reply.text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/html;charset=UTF-8");
        exchange.sendResponseHeaders(reply.status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }
}
