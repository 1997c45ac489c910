package standin.manager;

import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Browser sessions in memory: who is logged in, and the form tokens given out and not yet used. */
final class Sessions {
    private final Map<String, Session> sessions = new ConcurrentHashMap<>();

    /** One browser. */
    static final class Session {
        final String id = UUID.randomUUID().toString();
        private final Set<String> tokens = ConcurrentHashMap.newKeySet();
        volatile boolean loggedIn;

        /** Returns a token that is good for one form. */
        String newToken() {
            String token = UUID.randomUUID().toString();
            tokens.add(token);
            return token;
        }

        /** Uses up a token; false where it was never given out or is used already. */
        boolean useToken(String token) {
            return tokens.remove(token);
        }
    }

    /** Returns the browser's session, a new one where it has none. */
    Session of(Request request) {
        Session known = sessions.get(request.sessionId());
        if (known != null) {
            return known;
        }
        Session session = new Session();
        sessions.put(session.id, session);
        return session;
    }
}
