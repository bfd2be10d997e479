"""What a snapshot is judged from: root's facts and the services' own answers. Nothing here reads a disk."""

import http.client
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.facts.reading import UnreadableError, read_text

FACTS_PATH = Path("/run/appliance/facts.json")
# Something is written every 30 s; reading it takes some seconds under emulation. Older than this, it says nothing.
FACTS_STALE_S = 150.0
_MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Facts:
    """Root's facts with their age. A fact that was not read has its reason in place of a value."""

    age_s: float | None
    values: dict[str, Any]
    errors: dict[str, str]
    missing: str = ""

    def get(self, name: str) -> Any:
        """Return a fact. Raises UnreadableError, with the reason, if it is not known now."""
        if self.missing:
            raise UnreadableError(self.missing)
        if name in self.values:
            return self.values[name]
        raise UnreadableError(self.errors.get(name, f"the fact {name} was not gathered"))


def parse_facts(document: Any, now_boottime_s: float) -> Facts:
    """Judge the age and split values from errors."""
    try:
        age_s = max(0.0, now_boottime_s - float(document["boottime_s"]))
        facts = dict(document["facts"])
        # Each fact has an age of its own: some are read every half minute, some every ten.
        old = {name: now_boottime_s - float(fact["at_s"]) for name, fact in facts.items()}
        late = {name for name, fact in facts.items() if old[name] > float(fact["good_for_s"])}
        values = {name: fact["value"] for name, fact in facts.items() if "value" in fact and name not in late}
        errors = {name: str(fact["error"]) for name, fact in facts.items() if "value" not in fact}
        errors |= {name: f"the fact {name} is {old[name]:.0f} s old" for name in late}
    except (KeyError, TypeError, ValueError):
        return Facts(None, {}, {}, "root's facts are not understood")
    stale = f"root's facts are {age_s:.0f} s old; does appliance-facts.service run?" if age_s > FACTS_STALE_S else ""
    return Facts(age_s, values, errors, stale)


def read_facts(path: Path = FACTS_PATH) -> Facts:
    """Read the facts file."""
    try:
        document = json.loads(read_text(path))
    except UnreadableError as error:
        return Facts(None, {}, {}, f"root's facts cannot be read: {error}")
    except ValueError:
        return Facts(None, {}, {}, "root's facts are not JSON")
    return parse_facts(document, time.clock_gettime(time.CLOCK_BOOTTIME))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(path: Path, route: str, *, timeout_s: float = 5.0) -> bytes:
    """GET a route of a service over its unix socket."""
    connection = _UnixConnection(path, timeout_s)
    try:
        connection.request("GET", route)
        answer = connection.getresponse()
        body = answer.read(_MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise UnreadableError(f"{path}: {reason}") from None
    finally:
        connection.close()
    if answer.status != 200 or len(body) > _MAX_ANSWER_BYTES:
        raise UnreadableError(f"{path}{route}: status {answer.status}, {len(body)} bytes")
    return body
