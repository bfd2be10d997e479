"""What the controller's journal says, read from the store's file with SQL alone, and held against the sites."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sim.sites.invariants import Found

# States of a site in which nothing was ordered that could have switched it.
_UNTOUCHED = {"waiting", "held", "offered", "sending", "received", "staged", "evaluated", "refused", "skipped"}
# Kinds of steps whose operation the box keeps.
_KEPT_THERE = {"stage", "evaluate", "activate", "rollback", "clear"}


@dataclass(frozen=True)
class Written:
    """The journal of one rollout."""

    state: str
    sites: Mapping[str, Mapping[str, Any]]
    steps: tuple[Mapping[str, Any], ...]
    runs: Mapping[str, str]
    ordered: frozenset[str]
    """Operations of every rollout in the store."""

    def states(self) -> dict[str, list[str]]:
        """Site names by state."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, site in self.sites.items():
            found[site["state"]].append(name)
        return dict(found)


def read_journal(store: Path, rollout: str | None = None) -> Written:
    """Read a rollout, the newest unless it is named, from the SQLite store."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        row = database.execute(
            "SELECT id, state FROM rollout WHERE ? IS NULL OR id = ? ORDER BY started_at DESC, rowid DESC",
            (rollout, rollout),
        ).fetchone()
        sites = database.execute(
            "SELECT site, document FROM rollout_site WHERE rollout = ? ORDER BY position", (row["id"],)
        )
        documents = {each["site"]: json.loads(each["document"]) for each in sites}
        steps = database.execute("SELECT * FROM rollout_step WHERE rollout = ? ORDER BY id", (row["id"],)).fetchall()
        ordered = frozenset(each[0] for each in database.execute("SELECT operation FROM rollout_step"))
        runs = {each["site"]: each["digest"] for each in database.execute("SELECT site, digest FROM site_release")}
    return Written(row["state"], documents, tuple(dict(each) for each in steps), runs, ordered)


def count_steps(store: Path) -> int:
    """Steps of every rollout in the store; none when there is no store yet."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM rollout_step").fetchone()[0])
        except sqlite3.OperationalError:  # its tables are made by the first command
            return 0


def compare(written: Written, found: Mapping[str, Found], *, settled: bool = False) -> list[str]:
    """The journal equals reality. A site with an open step or a state between may be on either side of it.

    `settled`: the controller has ended by itself, so nothing may be open any more.
    """
    wrong = _consistent(written)
    open_at = _open(written)
    if settled and open_at:
        wrong.append(f"steps are open though the controller ended: {sorted(open_at)}")
    for name, site in written.sites.items():
        if name in found:
            wrong += [f"{name}: {each}" for each in _site(site, found[name], open_at.get(name), written.runs.get(name))]
            wrong += [f"{name}: {each}" for each in _operations(name, written, found[name])]
    return wrong


def _open(written: Written) -> dict[str, str]:
    ended = {step["step"] for step in written.steps if step["phase"] == "outcome"}
    return {
        step["site"]: step["kind"] for step in written.steps if step["phase"] == "intent" and step["id"] not in ended
    }


def _consistent(written: Written) -> list[str]:
    """One outcome an intent, one open intent a site, one intent an operation."""
    wrong = []
    outcomes: dict[int, int] = defaultdict(int)
    intents = {step["id"]: step for step in written.steps if step["phase"] == "intent"}
    open_sites: dict[str, int] = {}
    last: dict[str, str] = {}
    for step in written.steps:
        site = step["site"]
        if step["phase"] == "intent":
            if site in open_sites:
                wrong.append(f"{site}: {step['kind']} was ordered while step {open_sites[site]} was open")
            open_sites[site] = step["id"]
            if step["operation"] in last and last[step["operation"]] != "not_begun":
                wrong.append(f"{site}: operation {step['operation']} was ordered again after {last[step['operation']]}")
        else:
            outcomes[step["step"]] += 1
            if step["step"] not in intents:
                wrong.append(f"{site}: an outcome of {step['kind']} without an intent")
            open_sites.pop(site, None)
            last[step["operation"]] = step["outcome"]
    wrong += [f"step {number} has {count} outcomes" for number, count in outcomes.items() if count > 1]
    return wrong


def _site(site: Mapping[str, Any], found: Found, open_step: str | None, runs: str | None) -> list[str]:
    if found.active is None:
        return []  # told as a violation of the site's own
    runs_target = found.active.digest == site["target"]["digest"]
    state, wrong = site["state"], []
    if open_step is None or open_step not in ("activate", "rollback", "settle"):
        if state in ("done", "baking") and not runs_target:
            wrong.append(f"the journal says {state}, {found.active.name} runs")
        if state == "rolled_back" and runs_target:
            wrong.append("the journal says rolled_back, and the release runs")
        if state in _UNTOUCHED and runs_target and runs != site["target"]["digest"]:
            wrong.append(f"the journal says {state}, and the release runs already")
        if state in ("done", "baking") and runs != site["target"]["digest"]:
            wrong.append(f"the journal says {state}, and that the site runs {runs}")
    return wrong


def _operations(name: str, written: Written, found: Found) -> list[str]:
    """Whatever the box did was ordered, and whatever was told as done was done."""
    ended = {each["operation"]: each["outcome"] for each in found.record.get("ended", ())}
    wrong = [f"the box knows operation {each}, nobody journalled it" for each in ended if each not in written.ordered]
    for step in written.steps:
        told = step["site"] == name and step["phase"] == "outcome" and step["outcome"] == "done"
        if told and step["kind"] in ("activate", "rollback") and ended.get(step["operation"]) != "done":
            told_there = ended.get(step["operation"])
            wrong.append(f"{step['kind']} {step['operation']} is told as done, the box says {told_there}")
    return wrong
