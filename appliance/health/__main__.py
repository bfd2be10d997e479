"""Runs the health agent."""

import os
import signal
import sys
import threading
from contextlib import suppress

from appliance.errors import UnknownStateError
from appliance.health.agent import SOCKET, Agent
from appliance.health.answers import Answers
from appliance.health.key import ensure_key
from appliance.health.snapshot import Sources, take
from appliance.sdnotify import notify, watchdog_interval_s


def main() -> int:
    """Serve until systemd says stop."""
    os.umask(0o077)
    sources = Sources()
    answers = Answers(lambda: take(sources), ensure_key)
    with suppress(UnknownStateError):  # without it everything but the signature works; who asks for that is told
        ensure_key()
    agent = Agent(SOCKET, answers)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serving = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 60.0}, daemon=True)
    serving.start()
    notify("READY=1")
    # A sign of life only while the agent can still answer: no snapshot hangs, and somebody accepts connections.
    while not stop.wait(watchdog_interval_s() or 60.0):
        if serving.is_alive() and not answers.stuck():
            notify("WATCHDOG=1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
