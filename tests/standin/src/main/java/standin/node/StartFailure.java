package standin.node;

import standin.Delay;

/** A failure that ends a starting node with exit code 1, so long after its message. */
public final class StartFailure extends Exception {
    private static final long serialVersionUID = 1L;

    public final Delay delay;

    StartFailure(Exception cause, Delay delay) {
        super(cause);
        this.delay = delay;
    }
}
