"""Every fact against the outputs in tests/facts/<fact>/<case>.yaml: captured or constructed, as each case says."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from fleetctl.facts.base import Completed, Output, Unreadable
from fleetctl.facts.gpus import GPUS
from fleetctl.facts.host import ALL_FACTS, HARDWARE_FACTS

CASES = Path(__file__).parents[2] / "facts"
FACTS = {fact.name: fact for fact in (*ALL_FACTS, *HARDWARE_FACTS, GPUS)}
FILES = sorted(CASES.glob("*/*.yaml"))


def _completed(given: dict[str, Any]) -> Completed:
    return Completed(given.get("exit_code", 0), given.get("stdout", ""), given.get("stderr", ""))


def _output(given: dict[str, Any]) -> Output:
    items = {key: _completed(value) for key, value in (given.get("items") or {}).items()}
    return Output(_completed(given), items)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    assert case["origin"].split(":")[0].split(",")[0] in ("captured", "constructed")
    fact = FACTS[path.parent.name]
    assert len(case["outputs"]) == len(fact.commands), "a case holds one output per command of the fact"
    answer = fact.read([_output(given) for given in case["outputs"]])
    if "unreadable" in case:
        assert isinstance(answer, Unreadable)
        assert answer.fact == fact.name
        assert case["unreadable"] in answer.reason
    else:
        assert not isinstance(answer, Unreadable), answer
        assert _plain(asdict(answer)) == case["expected"]


def test_every_fact_has_a_readable_and_an_unreadable_case() -> None:
    for name in FACTS:
        kinds = {"unreadable" in yaml.safe_load(path.read_text()) for path in (CASES / name).glob("*.yaml")}
        assert kinds == {True, False}, f"{name} lacks a case"
