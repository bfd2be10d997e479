"""The base of every judgement in the health snapshot: a verdict, what was compared, and what to do next."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from appliance.contract.model import ContractModel

Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Verdict(StrEnum):
    """A judgement. `unknown` is never healthy."""

    OK = "ok"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


# Worst first. A known critical fault outranks a part that could not be read: it needs an action now.
_WORST_FIRST = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.DEGRADED, Verdict.OK)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of the whole; of nothing at all it is `unknown`."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.UNKNOWN)


class Part(ContractModel):
    """One judged concern."""

    verdict: Verdict
    reason: Annotated[Text, Field(description="What was compared, in words.")]
    next_action: Annotated[Text, Field(description="What a person does next; empty when the part is ok.")] = ""
