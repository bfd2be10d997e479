"""What must hold at a site at rest, whatever was cut off before: read from its folder, its events and nothing else.

Nothing of the box's own code is used to judge it. Each function returns sentences; none is what is wanted.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.sim.sites.events import Event
from tests.sim.sites.images import CorruptImageError, verified_root_hash
from tests.sim.sites.places import Places

CHANGES = ("activate", "rollback")


@dataclass(frozen=True)
class KnownSet:
    """A coupled set that may run at a site. `digest` is None for what the provisioning installed."""

    name: str
    digest: str | None
    models: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What a site is found to be."""

    active: KnownSet | None
    record: Mapping[str, Any]
    wrong: tuple[str, ...]


def examine(
    places: Places, known: Sequence[KnownSet], loaded: Mapping[str, str] | None = None, *, at_rest: bool = True
) -> Found:
    """Judge one site. `loaded` is what its engines serve now; None when it is off.

    `at_rest`: nothing goes on and the boot's recovery is over, so that a change that is open is one that was forgotten.
    """
    wrong: list[str] = []
    linked = {}
    for task in ("transcription", "drafting"):
        try:
            linked[task] = verified_root_hash(places.link(task).resolve(strict=True))
        except (OSError, CorruptImageError) as problem:
            wrong.append(f"the link of {task} leads to no sound image: {problem}")
    active = next((each for each in known if dict(each.models) == linked), None)
    if active is None and len(linked) == 2:
        wrong.append(f"the links are no complete set: {_short(linked)}")
    sealed = {each["task"]: each["root_hash"] for each in json.loads(places.seal.read_bytes())["models"]}
    if sealed != linked:
        wrong.append(f"the seal says {_short(sealed)}, the links {_short(linked)}")
    if loaded is not None and dict(loaded) != linked:
        wrong.append(f"the engines serve {_short(loaded)}, the links say {_short(linked)}")
    record = read_record(places.record)
    wrong += _of_record(places, record, active, at_rest=at_rest)
    return Found(active, record, tuple(f"{places.root.name}: {each}" for each in wrong))


def read_record(path: Path) -> dict[str, Any]:
    """The box's record: one line of CRC-32 and JSON. Empty when nothing was ever done there. Raises ValueError."""
    if not path.exists():
        return {}
    checksum, _, text = path.read_bytes().rstrip(b"\n").partition(b" ")
    if int(checksum, 16) != zlib.crc32(text):
        raise ValueError(f"{path}: does not fit its checksum")
    return dict(json.loads(text))


def _of_record(places: Places, record: Mapping[str, Any], active: KnownSet | None, *, at_rest: bool) -> list[str]:
    wrong = []
    if at_rest and record.get("change") is not None:
        wrong.append(f"a change is still open: {record['change']['action']} {record['change']['operation']}")
    if at_rest and places.drain.exists():
        wrong.append("an order to drain was left behind")
    if (said := record.get("active")) is not None and active is not None:
        if said["digest"] != active.digest:
            wrong.append(f"the record says that {said['release'] or 'the provisioned set'} runs, it is {active.name}")
        if any(denied["digest"] == said["digest"] for denied in record["denied"]):
            wrong.append(f"{said['release']} runs, and is denied here")
        if said["minimum_sequence"] > record["minimum_sequence"] or said["sequence"] < record["minimum_sequence"]:
            wrong.append(f"sequence {said['sequence']} runs, the minimum is {record['minimum_sequence']}")
    for name in ("active", "previous", "staged"):
        for model in (record.get(name) or {}).get("models", ()):
            wrong += _kept(places, name, model)
    operations = [each["operation"] for each in record.get("ended", ())]
    if len(set(operations)) != len(operations):
        wrong.append("an operation has ended twice")
    return wrong


def _kept(places: Places, name: str, model: Mapping[str, Any]) -> list[str]:
    """Every set that the record keeps has all of its images, sound."""
    path = places.image(model["root_hash"])
    try:
        found = verified_root_hash(path)
    except (OSError, CorruptImageError) as problem:
        return [f"the {name} set lacks its image for {model['task']}: {problem}"]
    return [] if found == model["root_hash"] else [f"{path.name} holds the image {found[:12]}"]


def switches(events: Sequence[Event], known: Sequence[KnownSet]) -> list[str]:
    """Names of the sets that were loaded, one after the other; the same set again is no switch.

    A set is told by its drafting model, so the sets of a test have different ones.
    """
    of = {each.models["drafting"]: each.name for each in known}
    loaded = [of.get(event.detail, event.detail[:12]) for event in events
              if (event.kind, event.what) == ("loaded", "drafting")]  # fmt: skip
    return [name for number, name in enumerate(loaded) if number == 0 or loaded[number - 1] != name]


def not_repeated(record: Mapping[str, Any], events: Sequence[Event], known: Sequence[KnownSet]) -> list[str]:
    """A set comes to be loaded at most once for each operation that may have switched to it, or gone back to it."""
    wrong = []
    seen = switches(events, known)
    # What did not end well, was taken back or goes on may have led to the set of before, once each.
    ended = record.get("ended", ())
    back = [one for one in ended if one["action"] == "rollback" or one["outcome"] not in ("done", "refused")]
    backs = len(back) + (record.get("change") is not None)
    for each in known:
        times = seen.count(each.name)
        ordered = [
            one for one in record.get("ended", ()) if one["action"] == "activate" and one["release"] == each.name
        ]
        mine = sum(one["release"] == each.name for one in back)
        if each.digest is not None and times > len(ordered) + backs - mine:
            wrong.append(
                f"{each.name} came to be loaded {times} times, {len(ordered)} operations ordered it and "
                f"{backs - mine} may have gone back to it: {seen}"
            )
        done = [one["operation"] for one in ordered if one["outcome"] == "done"]
        left = seen[:-1].count(each.name)
        if len(done) > left + 1:
            wrong.append(f"{each.name} was activated {len(done)} times and left {left} times: {seen}")
    return wrong


Interval = tuple[float, float]


def receiving(events: Sequence[Event]) -> list[Interval]:
    """When images came to the site."""
    return [(float(event.detail), event.at_s) for event in events if event.kind == "received"]


def switching(events: Sequence[Event]) -> list[Interval]:
    """From each stop of an engine to the start behind it, or to the end of power."""
    found, began_s = list[Interval](), None
    for event in events:
        if (event.kind, event.what) == ("systemctl", "stop") and began_s is None:
            began_s = event.at_s
        elif began_s is not None and (event.kind == "power" or (event.kind, event.what) == ("systemctl", "start")):
            found.append((began_s, event.at_s))
            began_s = None
    return found


def most_at_once(intervals: Iterable[Interval]) -> int:
    """How many of them held at one time, at most."""
    marks = sorted((at, step) for begin, end in intervals for at, step in ((begin, 1), (end, -1)))
    running = most = 0
    for _, step in marks:
        running += step
        most = max(most, running)
    return most


def in_order(events: Sequence[Event]) -> bool:
    """Whether the events of a site are in the order of the clock that all share."""
    return all(earlier.at_s <= later.at_s for earlier, later in pairwise(events))


def _short(models: Mapping[str, str]) -> str:
    return ", ".join(f"{task} {root_hash[:12]}" for task, root_hash in sorted(models.items())) or "nothing"
