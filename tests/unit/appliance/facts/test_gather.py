"""Gathering: one unreadable fact neither hides nor looks like another."""

import json
from pathlib import Path
from typing import Any

from appliance.facts import gather
from appliance.facts.reading import UnreadableError


def fails() -> Any:
    raise UnreadableError("nft is not installed")


def breaks() -> Any:
    raise KeyError("secret")


def test_every_fact_is_a_value_or_a_reason(tmp_path: Path) -> None:
    sources = {"good": lambda: 5, "absent": lambda: None, "bad": fails, "defect": breaks}
    facts = gather.gather({name: gather.Source(read) for name, read in sources.items()})
    assert all(fact["good_for_s"] == 150.0 and fact["at_s"] > 0 for fact in facts["facts"].values())
    assert {
        name: {key: fact[key] for key in fact if key in ("value", "error")} for name, fact in facts["facts"].items()
    } == {
        "good": {"value": 5},
        "absent": {"value": None},
        "bad": {"error": "nft is not installed"},
        "defect": {"error": "cannot be read (KeyError)"},
    }
    path = tmp_path / "facts.json"
    gather.write(path, facts)
    gather.write(path, facts)
    assert json.loads(path.read_text()) == facts
    assert [entry.name for entry in tmp_path.iterdir()] == ["facts.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_time_server_is_a_matter_of_configuration_not_of_a_running_client(tmp_path: Path) -> None:
    config, runtime = tmp_path / "10-fleet.conf", tmp_path / "timesync"
    assert gather.time_service(config, runtime) == {"time_server": False, "time_client": False}
    config.write_text("[Time]\nNTP=10.0.0.1\n")
    assert gather.time_service(config, runtime) == {"time_server": True, "time_client": False}
    runtime.mkdir()
    assert gather.time_service(config, runtime) == {"time_server": True, "time_client": True}
