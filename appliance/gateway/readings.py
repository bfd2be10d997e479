"""Sources that were opened lately, kept so that drafting from one again need not unseal, parse and index it again.

What is kept is a function of what is stored: a reading is found only by its encounter's key and its ciphertext, both
read from the database for this very act. So nothing here can be out of date, and no decision rests on it: whether
somebody may, and whether consent allows it, is asked before. What is forgotten is forgotten so that no text stays in
memory without need.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from appliance.clinical.source import Source
from appliance.deid.kept import Findings
from appliance.drafting.records import Record
from appliance.drafting.suspects import Scan, scan, without
from appliance.gateway.vault import EncounterKey
from appliance.grounding.index import SourceIndex

# As long as a session without activity: whoever comes back later waits some milliseconds.
IDLE_S = 900.0
_LOOK_S = 60.0
# A request that began before something was forgotten has ended long before this.
_REMEMBER_S = 3600.0


class Reading:
    """A source that was opened, and what was worked out from it so far. Safe to use from several threads."""

    def __init__(self, source: Source, facts: Record | None = None, *, findings: Findings | None = None) -> None:
        self.source = source
        self.facts = facts
        self.findings = Findings() if findings is None else findings
        """Where identifiers lie in it, once it was de-identified."""
        self.alone = Findings()
        """The same as the detector finds them without knowing anybody: what other texts are told of it."""
        self._one = threading.RLock()
        self._scan: Scan | None = None
        self._index: SourceIndex | None = None
        self._commitment: str | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether statements can be held against it at once."""
        return self._index is not None

    def scan(self) -> Scan:
        """Return what stood out in it."""
        with self._one:
            if self._scan is None:
                self._scan = scan(self.source)
            return self._scan

    def index(self) -> SourceIndex:
        """Return its index as grounding may read it: without its suspect places. Nobody extends it."""
        with self._one:
            if self._index is None:
                self._index = SourceIndex(without(self.source, self.scan().suspects))
            return self._index

    def commitment(self, key: EncounterKey) -> str:
        """Return what the log says of it. `key`: that of its encounter."""
        with self._one:
            if self._commitment is None:
                self._commitment = key.commit(self.source.model_dump_json().encode())
            return self._commitment


@dataclass
class _Kept:
    tag: str
    reading: Reading
    size: int
    used: float


class Readings:
    """The readings of one process, the longest unused of them leave first. Safe to use from several threads."""

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._one = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._forgotten: dict[str, tuple[int, float]] = {}
        self._forgettings = 0
        self._next: asyncio.TimerHandle | None = None
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def start(self) -> None:
        """Begin to forget what nobody uses; from the event loop."""
        self._next = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def stop(self) -> None:
        """End, and forget everything."""
        if self._next is not None:
            self._next.cancel()
        with self._one:
            self._kept.clear()
            self.size = 0

    def _look(self) -> None:
        self.forget_idle()
        self.start()

    def mark(self) -> int:
        """Return a mark of now, to be taken before the rows are read that a reading is made of."""
        return self._forgettings

    def size_of(self, encounter: str, identifiers: tuple[str, ...]) -> int | None:
        """Return how many bytes the readings of these sources take; None unless all of them are kept."""
        with self._one:
            kept = [self._kept.get((encounter, identifier)) for identifier in identifiers]
        return sum(one.size for one in kept if one is not None) if None not in kept else None

    def find(self, encounter: str, identifier: str, key: EncounterKey, sealed: bytes) -> Reading | None:
        """Return the reading of exactly this ciphertext under this key, if it is there."""
        with self._one:
            kept = self._kept.get((encounter, identifier))
        # A tag under the encounter's key: who has not the key that opens it finds nothing.
        if kept is None or kept.tag != key.commit(sealed):
            return None
        with self._one:
            if self._kept.get((encounter, identifier)) is kept:
                kept.used = self._clock()
                self._kept.move_to_end((encounter, identifier))
        return kept.reading

    def keep(
        self, encounter: str, identifier: str, key: EncounterKey, sealed: bytes, reading: Reading, *, since: int
    ) -> None:
        """Keep a reading, unless its encounter was forgotten after the mark `since`."""
        size = weight(reading)
        if size > self._max_bytes:
            return
        kept = _Kept(key.commit(sealed), reading, size, self._clock())
        with self._one:
            if self._forgotten.get(encounter, (0, 0.0))[0] > since:
                return
            self._remove((encounter, identifier))
            self._kept[encounter, identifier] = kept
            self.size += size
            while self.size > self._max_bytes:
                self._remove(next(iter(self._kept)))

    def forget(self, encounter: str) -> None:
        """Forget everything of an encounter, also what a request is about to keep that read it before."""
        with self._one:
            self._forgettings += 1
            self._forgotten[encounter] = (self._forgettings, self._clock())
            for place in [place for place in self._kept if place[0] == encounter]:
                self._remove(place)

    def forget_idle(self) -> None:
        """Forget what nobody used for a while."""
        now = self._clock()
        with self._one:
            for place in [place for place, kept in self._kept.items() if now - kept.used >= IDLE_S]:
                self._remove(place)
            old = [name for name, (_, at) in self._forgotten.items() if now - at >= _REMEMBER_S]
            for name in old:
                del self._forgotten[name]

    def _remove(self, place: tuple[str, str]) -> None:
        if (kept := self._kept.pop(place, None)) is not None:
            self.size -= kept.size


def weight(reading: Reading) -> int:
    """Return about how many bytes a reading takes with its index, rather too many.

    Measured with tracemalloc: 58 to 97 bytes a character of transcripts of 1,265 to 126,349 characters.
    """
    return 4096 + 100 * len(reading.source.text) + _of_facts(reading.facts)


def _of_facts(record: Record | None) -> int:
    if record is None:
        return 0
    return 1024 * len(record.facts) + 512 * (len(record.people.names) + len(record.people.values))
