"""kill -9 of the real program at random points, with and without a boot behind it; invariants after each."""

from __future__ import annotations

import random
import subprocess
import time

import pytest

from appliance.release.record import load

from .conftest import op
from .simulated import Machine
from .test_cli import machine, whole

__all__ = ["machine"]
KILLS = 12  # 24 were run when this was written: 305 s on two busy cores, every invariant held
# How the first activations end, however fast the machine is; where the later ones are cut, the dice say.
CERTAIN = ("never began", "interrupted", "done")


def ordered(machine: Machine, order: list[str], turn: random.Random, end: str = "") -> None:
    """Run an order and kill it at a random moment of its life, or where it ends in this way."""
    process = subprocess.Popen(
        machine.argv(*order), env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    if end == "interrupted":  # in the drain, which a visit holds up
        while "1 visit" not in (line := process.stdout.readline()):
            assert line, "it ended before it waited"
    elif end == "done":
        process.stdout.read()
        process.wait(120)
    elif not end:
        steps = turn.randrange(0, 7)
        for _ in range(steps):
            if not process.stdout.readline():
                break
        # Between two steps lie milliseconds; the first of them comes when the program has been imported.
        time.sleep(turn.random() * (0.08 if steps else 1.2))
    process.kill()
    process.stdout.close()
    process.wait(120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20261126])
def test_killed_at_random(machine: Machine, seed: int) -> None:
    turn = random.Random(seed)  # noqa: S311 (no secret)
    names = ["new", "newer"]
    ends: dict[str, int] = {}
    for number in range(KILLS):
        sequence = number + 1
        name = f"r{sequence}"
        machine.box.publish(name, sequence, names[sequence % 2])
        offered = machine.run("offer", name)
        assert offered.returncode == 0, offered.stderr
        if "can be staged when" in offered.stdout:
            machine.box.send(names[sequence % 2])
        if number % 3 == 0:
            ordered(machine, ["stage", name, "--operation", op(10 * number), "-o", "json"], turn)
        staged = machine.run("stage", name, "--operation", op(10 * number + 1))
        assert staged.returncode == 0, staged.stderr
        end = CERTAIN[number] if number < len(CERTAIN) else ""
        machine.visits = int(end == "interrupted")
        drain_s = "600" if end else "20"
        ordered(
            machine,
            ["activate", name, "--operation", op(10 * number + 2), "--drain-timeout", drain_s, "-o", "json"],
            turn, end,
        )  # fmt: skip
        machine.visits = 0
        if turn.random() < 0.5:
            machine.power_off()
            assert machine.run("recover", "--at-boot").returncode == 0
            machine.boot_services()
        found = machine.status()
        assert found["phase"] == "idle", found
        whole(machine)
        record = load(machine.box.places.record)
        assert record.active is not None
        assert record.active.hashes == machine.box.sealed()
        assert all(found[role] is None or found[role]["complete"] for role in ("active", "previous", "staged"))
        ended = record.found(op(10 * number + 2))
        outcome = ended.outcome if ended else "never began"
        assert not end or outcome == end
        ends[outcome] = ends.get(outcome, 0) + 1
        assert (record.active.release == name) == (outcome == "done")
        assert bool(record.is_denied(record.staged)) == (outcome == "rolled_back") if record.staged else True
        assert not machine.box.places.drain.exists()
        again = machine.run("recover")
        assert again.stdout == "nothing was open\n"
    # The places were really different ones.
    assert {*ends} >= {*CERTAIN}, ends
