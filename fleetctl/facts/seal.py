"""SealFacts: what the box wrote down when it was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from appliance.contract.seal import SEAL_PATH, Seal
from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.records import RECORDS, names_in


@dataclass(frozen=True)
class SealFacts:
    """`seal` is None when the folder was read and holds no seal: the box was never sealed."""

    seal: Seal | None


def parse(outputs: Sequence[Output]) -> SealFacts:
    listing, record = outputs
    if SEAL_PATH.rpartition("/")[2] not in names_in(listing):
        return SealFacts(None)
    try:
        return SealFacts(Seal.model_validate_json(stdout_of(record, "cat seal.json")))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise UnreadableError(f"seal.json: {'.'.join(map(str, first['loc']))}: {first['msg']}") from problem


SEAL = Fact("seal", (RECORDS, command("cat", SEAL_PATH)), parse)
