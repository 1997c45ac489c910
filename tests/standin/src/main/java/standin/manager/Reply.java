package standin.manager;

/** What a page answers: a text with its status, or a redirect. */
final class Reply {
    final int status;
    final String text;
    /** The page to go to, null where this is no redirect. */
    final String location;

    private Reply(int status, String text, String location) {
        this.status = status;
        this.text = text;
        this.location = location;
    }

    static Reply page(String html) {
        return new Reply(200, html, null);
    }

    static Reply error(int status, String text) {
        return new Reply(status, text, null);
    }

    static Reply redirect(String page) {
        return new Reply(302, "", page);
    }
}
