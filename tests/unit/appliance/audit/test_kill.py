"""kill -9 of a real writer, again and again: what it said was durable is there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog
from appliance.audit.verify import verify
from appliance.contract.audit import AuditEntry

pytestmark = pytest.mark.slow

ROUNDS = 25
WRITER = """
import sys, threading
from datetime import datetime, UTC
from pathlib import Path
from appliance.audit import AuditLog
from appliance.contract.audit import Actor, AuditEntry
log = AuditLog.open(Path(sys.argv[1]), Path(sys.argv[2]), "example.org/audit", publish_interval_s=0.01)
lock = threading.Lock()
def work(name):
    number = 0
    while True:
        actor = Actor(subject=f"{name}-{number}", role="coder")
        entry = AuditEntry(at=datetime.now(UTC), event="draft.completed", actor=actor)
        index = log.append(entry).index
        with lock:
            print(index, entry.actor.subject, flush=True)
        number += 1
for name in "abcd":
    threading.Thread(target=work, args=(sys.argv[3] + name,), daemon=True).start()
threading.Event().wait()
"""


def test_killed_writers_lose_nothing_they_acknowledged(tmp_path: Path, entry: Callable[[int], AuditEntry]) -> None:
    said: dict[int, str] = {}
    for round_ in range(ROUNDS):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "log"), str(tmp_path / "key"), str(round_)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout
        # Ended after a number of lines, not after a time: another byte of the work each round, on any machine.
        lines = [child.stdout.readline() for _ in range(7 * round_ + 1)]
        child.kill()
        lines += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        for line in lines:
            if line.endswith("\n"):
                index, subject = line.split()
                assert int(index) not in said
                said[int(index)] = subject
    with AuditLog.open(tmp_path / "log", tmp_path / "key", "example.org/audit") as log:
        found = {logged.index: logged.entry.actor.subject for logged in log.entries(0, log.size)}
        assert said.items() <= found.items()
        assert len(said) > 1000
        log.append(entry(0))
    assert verify(tmp_path / "log", log.verifier_key).newest.size == log.size
