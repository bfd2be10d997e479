"""Rollout policies, holds and pins as files: read strictly, with line and nearest key; written for git."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleetctl.actions.hold import new_hold, new_pin
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.rolloutfiles import (
    held,
    read_holds,
    read_pins,
    read_policy,
    remove_hold,
    remove_pin,
    write_hold,
    write_pin,
)

POLICY = """\
apiVersion: fleetctl/v1
kind: RolloutPolicy
metadata: {name: careful}
spec:
  waves:
    - {name: canary, sites: [north], bake: 2h}
    - {name: rest, percent: 100, promote: human}
"""


def written(fleet: Path, text: str, name: str = "careful") -> Path:
    path = fleet / "policies/rollouts" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_policy_is_read(tmp_path: Path) -> None:
    written(tmp_path, POLICY)
    spec = read_policy(tmp_path, "careful").spec
    assert [wave.name for wave in spec.waves] == ["canary", "rest"]
    assert (spec.channel, spec.waves[1].promote) == ("stable", "human")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("percent: 100", "percentage: 100"), 7, "did you mean percent?"),
        (("percent: 100", "percent: 101"), 7, "percent"),
        (("{name: rest, percent: 100, promote: human}", "{name: rest}"), 7, "exactly one of sites, selectors and"),
        (("name: rest", "name: canary"), 4, "two have the same name"),
        (("sites: [north]", "sites: [north, north]"), 4, "named twice: north"),
        (("bake: 2h", "bake: 2 hours"), 6, "no duration"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], line: int, words: str) -> None:
    path = written(tmp_path, POLICY.replace(*change))
    with pytest.raises(ConfigError) as problem:
        read_policy(tmp_path, "careful")
    assert problem.value.message.startswith(f"{path}:{line}: ")
    assert words in problem.value.message


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, POLICY)
    with pytest.raises(UsageError) as problem:
        read_policy(tmp_path, "carefull")
    assert problem.value.hint == "did you mean careful?"
    with pytest.raises(UsageError, match="is no name"):
        read_policy(tmp_path, "../alerts")


def test_a_policy_with_another_name_inside(tmp_path: Path) -> None:
    written(tmp_path, POLICY, "hasty")
    with pytest.raises(ConfigError, match=r"metadata\.name is careful"):
        read_policy(tmp_path, "hasty")


def test_holds_come_back_as_they_were_written(tmp_path: Path) -> None:
    hold = new_hold("north", reason="renovation", until="7d", by="Ada Berg")
    path = write_hold(tmp_path, hold, replace=False)
    assert path == tmp_path / "policies/holds/north.yaml"
    assert read_holds(tmp_path) == {"north": hold}
    assert "until" in path.read_text()
    with pytest.raises(RefusedError):
        write_hold(tmp_path, hold, replace=False)
    longer = new_hold("north", reason="renovation goes on", until=None, by="Ada Berg")
    write_hold(tmp_path, longer, replace=True)
    assert read_holds(tmp_path)["north"].spec.words() == "held by Ada Berg: renovation goes on"
    remove_hold(tmp_path, "north")
    assert read_holds(tmp_path) == {}


def test_who_is_held_now(tmp_path: Path) -> None:
    now = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    for site, until in (("north", "1h"), ("south", None), ("west", "3h")):
        write_hold(tmp_path, new_hold(site, reason="x", until=until, by="Ada", now=now), replace=False)
    later = held(tmp_path, now + timedelta(hours=2))
    assert set(later) == {"south", "west"}
    assert later["south"] == "held by Ada: x"


def test_a_hold_that_cannot_be_read_is_no_absent_hold(tmp_path: Path) -> None:
    path = write_hold(tmp_path, new_hold("north", reason="x", until=None, by="Ada"), replace=False)
    path.write_text(path.read_text().replace("reason", "raeson"))
    with pytest.raises(ConfigError, match="did you mean reason"):
        read_holds(tmp_path)


def test_pins(tmp_path: Path) -> None:
    pin = new_pin("north", "2026.11-1", reason="study", by=None)
    write_pin(tmp_path, pin)
    assert read_pins(tmp_path)["north"].spec.release == "2026.11-1"
    with pytest.raises(RefusedError) as refused:
        write_pin(tmp_path, pin)
    assert refused.value.hint == "fleetctl site unpin north"
    with pytest.raises(UsageError) as missing:
        remove_pin(tmp_path, "nort")
    assert missing.value.hint == "did you mean north?"
    remove_pin(tmp_path, "north")
    with pytest.raises(UsageError, match="no pin"):
        remove_pin(tmp_path, "north")


def test_words_of_people_cannot_steer_a_terminal() -> None:
    with pytest.raises(ConfigError):
        new_hold("north", reason="a\x1b[2Jb", until=None, by="Ada")
    with pytest.raises(ConfigError):
        new_pin("north", "../x", reason="a", by="Ada")
