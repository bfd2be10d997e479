"""A wish to end the process becomes a question that is asked where nothing is switched.

The ssh connection over which an order came may break, and somebody may press Ctrl-C: a switch that has begun goes on to
its commit or its way back, which is safer than leaving it to the next start.
"""

import signal
import threading
from collections.abc import Callable


def told_to_end() -> Callable[[], bool]:
    """Take the signals, and return the question."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told.set())
        # The terminal or the connection is gone; the order stands.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return told.is_set
