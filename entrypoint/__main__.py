"""The first statement blocks all signals; only then is anything else imported.

The kernel drops signals with a default action for PID 1 until they are blocked or handled, so every
import before this line would be time in which a stop request is lost. `_signal` is built in: its import
costs nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

MASK = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())


def main() -> None:
    """Run the command line and end the process with its exit code."""
    import sys  # noqa: PLC0415 - see the module's docstring

    from entrypoint.app import start  # noqa: PLC0415

    start(sys.argv[1:], {int(number) for number in MASK})


if __name__ == "__main__":
    main()
