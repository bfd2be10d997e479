"""Runs the health agent."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import NoReturn

from appliance.errors import UnknownStateError
from appliance.health.agent import SOCKET, Agent
from appliance.health.answers import Answers
from appliance.health.key import ensure_key
from appliance.health.snapshot import Sources, take
from appliance.sdnotify import notify, watchdog_interval_s


def main() -> NoReturn:
    """Serve until systemd says stop."""
    os.umask(0o077)
    sources = Sources()
    answers = Answers(lambda: take(sources), ensure_key)
    agent = Agent(SOCKET, answers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serving = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 60.0}, daemon=True)
    serving.start()
    made = has_key()
    notify("READY=1")
    # A sign of life only while the agent can still answer: no snapshot hangs, and somebody accepts connections.
    while True:
        time.sleep(watchdog_interval_s() or 60.0)
        if serving.is_alive() and not answers.stuck():
            notify("WATCHDOG=1")
        made = made or has_key()  # the state volume may have been opened since


def has_key() -> bool:
    """Make the key if it can be made. Without it everything but the signature works, and who asks for that is told."""
    with suppress(UnknownStateError):
        ensure_key()
        return True
    return False


if __name__ == "__main__":
    main()
