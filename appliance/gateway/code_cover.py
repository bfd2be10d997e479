"""What a model reads of a note when it orders suggested codes: the note, or the note without identifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from appliance.coding.choice import Ranked
from appliance.coding.suggestion import Suggestion
from appliance.deid.offsets import Offsets
from appliance.drafting.settings import ModelIdentity
from appliance.gateway.core import Core
from appliance.gateway.deid import Text
from appliance.gateway.known_sources import known_of
from appliance.gateway.opening import Opened

KIND = "coding"
"""The policy's word for text that a model reads to order codes."""


@dataclass(frozen=True)
class Shown:
    """A note as a model reads it, and suggestions whose evidence points into that.

    Args:
        text: The note, with or without identifiers.
        suggestions: In the given order.
        originals: The same, as they were given: evidence points into the note as it is.
        counts: Identifiers by kind that were hidden; None: the note is as it is.
    """

    text: str
    suggestions: tuple[Suggestion, ...]
    originals: tuple[Suggestion, ...]
    counts: dict[str, int] | None = None

    def told(self, ranked: Ranked) -> Ranked:
        """Return what a model made of the suggestions with their own evidence: its order and its questions."""
        if self.counts is None:
            return ranked
        left: dict[str, list[Suggestion]] = {}
        for one in self.originals:
            left.setdefault(one.code, []).append(one)
        back = tuple(
            left[one.code].pop(0).model_copy(update={"question": one.question}) for one in ranked.suggestions
        )  # fmt: skip
        return replace(ranked, suggestions=back)


Cover = Callable[[ModelIdentity, str, Sequence[Suggestion]], Awaitable[Shown]]
"""Says what a model reads of a note. Raises ProblemError 503: then it reads nothing."""


def require_allowed(core: Core, model: ModelIdentity, wanted: bool | None) -> None:
    """Raise ProblemError 422 where the practice's policy does not let this model read the note as the caller wants."""
    core.deid.applies(KIND, model, wanted)


def cover_of(core: Core, opened: Opened, wanted: bool | None) -> Cover:
    """Return what the practice's policy and the caller say of the notes of an encounter.

    `wanted`: what the caller says, where the policy leaves it to them (`allowed`); see `require_allowed`.
    """

    async def cover(model: ModelIdentity, text: str, suggestions: Sequence[Suggestion]) -> Shown:
        given = tuple(suggestions)
        if not core.deid.applies(KIND, model, wanted):
            return Shown(text, given, given)
        return await asyncio.to_thread(_hidden, core, opened, text, given)

    return cover


def _hidden(core: Core, opened: Opened, text: str, given: tuple[Suggestion, ...]) -> Shown:
    hidden = core.deid.hide([Text(text)], opened.key, known_of(core, opened))
    (made,) = hidden.made
    offsets = Offsets(made.pieces)
    return Shown(made.text, tuple(_moved(one, made.text, offsets) for one in given), given, hidden.counts)


def _moved(one: Suggestion, text: str, offsets: Offsets) -> Suggestion:
    evidence = []
    for quoted in one.evidence:
        start = offsets.to_made(quoted.start)
        end = max(start, offsets.to_made(quoted.end))
        evidence.append(quoted.model_copy(update={"start": start, "end": end, "quote": text[start:end]}))
    return one.model_copy(update={"evidence": tuple(evidence)})
