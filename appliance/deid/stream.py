"""De-identifies a text that is still being written or said: gives out what can no longer change, and keeps the rest.

A stretch is given out when a whole horizon of text has followed it and no identifier lies across its end. So nothing of
an identifier is given out before all of it was seen, whatever the pieces were. For a detector that decides about a
place from no more than a horizon around it, the result is that of the whole text; see docs/design/deid-surrogates.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from appliance.deid.deidentify import built, checked, plain_of, replaced
from appliance.deid.draws import Draws
from appliance.deid.identifier import Detector, Identifier
from appliance.deid.mapping import MAX_MAPPING_BYTES, MadeText, Mapping, Piece
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import Passing
from appliance.deid.vocabulary import TOKEN, stem
from appliance.errors import ApplianceError, UsageError

# Longer than an address on one line, and than any number with its label.
HORIZON_CHARS = 240
STEP_CHARS = 120
_MIN_HORIZON_CHARS = 64
# An identifier that seems to go on for ever is cut there; both halves are hidden.
_MAX_HELD_HORIZONS = 16
# A mapping's entry and a piece as JSON, without what they hold; longer than either is.
_ENTRY_BYTES, _PIECE_BYTES = 300, 100
_MAX_ENTRIES = 200_000
# What str.isspace takes for white space.
_BLANK = re.compile(r"\s")


def settled(text: str, found: Sequence[Identifier], upto: int, *, lowest: int = 0) -> int | None:
    """Return the last place up to `upto` where a text can be cut: behind white space, and inside of no identifier.

    None: there is none above `lowest`.
    """
    spans = [(one.start, one.end) for one in found if one.start < upto]
    for at in range(upto, lowest, -1):
        if text[at - 1].isspace() and not any(start < at < end for start, end in spans):
            return at
    return None


class Stream:
    """One text that arrives in pieces. One thread at a time.

    Args:
        detector: Finds the identifiers.
        key: As for `Deidentifier`.
        known_names: Full names that are known to occur.
        horizon_chars: How many characters must follow before something is given out: the delay.
        step_chars: How many characters are gathered before the detector is asked again: what it costs.
        dates_key: As for `Deidentifier`.
    """

    def __init__(
        self,
        detector: Detector,
        key: bytes,
        *,
        known_names: Sequence[str] = (),
        horizon_chars: int = HORIZON_CHARS,
        step_chars: int = STEP_CHARS,
        dates_key: bytes | None = None,
    ) -> None:
        if horizon_chars < _MIN_HORIZON_CHARS or step_chars < 1:
            raise UsageError(
                f"a horizon of {horizon_chars} and a step of {step_chars} characters",
                hint=f"give at least {_MIN_HORIZON_CHARS} and 1",
            )
        self._detector, self._known = detector, tuple(known_names)
        self._taken = Passing(self._known)
        self._surrogates = Surrogates(Draws(key, dates_key), self._taken)
        self._horizon, self._step = horizon_chars, step_chars
        self._context = self._held = ""
        self._wanted = self._horizon + self._step
        """How many characters must be held before it is worth looking for a place to cut."""
        self._hidden: Identifier | None = None
        """The rest of an identifier that was cut, from the beginning of what is held."""
        self._sha256 = hashlib.sha256()
        self._given_out = 0
        self._pieces: list[Piece] = []
        self._pieces_bytes = 0
        self._plain: set[str] = set()
        self._ended = False
        self._broken: ApplianceError | None = None

    @property
    def held_chars(self) -> int:
        """How many characters wait for what follows them."""
        return len(self._held)

    def feed(self, piece: str) -> str:
        """Take a piece of any length, and return what can no longer change.

        Raises what the detector raises, and UsageError when the way back would be too long to be read: where some of
        this piece was given out by then, at the next call, so that the mapping is that of what was returned.
        """
        if self._ended:
            raise UsageError("the stream has ended", hint="begin another one")
        self._go_on()
        out: list[str] = []
        for at in range(0, len(piece), self._step):
            self._held += piece[at : at + self._step]
            if len(self._held) >= self._wanted:
                try:
                    out.append(self._advance(len(self._held) - self._horizon))
                except ApplianceError as error:
                    self._broken = error
                    if not any(out):
                        raise
                    break
        return "".join(out)

    def _go_on(self) -> None:
        if self._broken is not None:
            raise self._broken

    def finish(self) -> str:
        """Return the rest. Nothing can be fed after it."""
        self._ended = True
        self._go_on()
        return self._give_out(len(self._held), self._find())

    def mapping(self) -> Mapping:
        """Return what brings everything back that was given out so far."""
        made = MadeText(sha256=self._sha256.hexdigest(), pieces=tuple(self._pieces))
        return built(self._surrogates, (made,), tuple(sorted(self._plain)))

    def _find(self) -> list[Identifier]:
        """Return what lies in the text that is held, as places of context and held text together."""
        window, base = self._context + self._held, len(self._context)
        self._taken.look(window)
        found = [
            replace(one, start=max(one.start, base))
            for one in checked(self._detector.find(window, known_names=self._known), window)
            if one.end > base
        ]
        if self._hidden is not None:
            rest = replace(self._hidden, start=base, end=min(base + self._hidden.end, len(window)))
            found = list(checked((rest, *found), window))
        return found

    def _advance(self, upto: int) -> str:
        full = len(self._held) >= _MAX_HELD_HORIZONS * self._horizon
        if not full and not _BLANK.search(self._held, 0, upto):
            # There is no place to cut, whatever the detector says.
            return ""
        found, base = self._find(), len(self._context)
        window = self._context + self._held
        place = settled(window, found, base + upto, lowest=base)
        if place is not None:
            return self._give_out(place - base, found)
        if not full:
            if len(self._held) > 2 * self._horizon:
                # No usual identifier is so long. Asked at each step, the detector would read it again and again.
                self._wanted = min(len(self._held) * 3 // 2, _MAX_HELD_HORIZONS * self._horizon)
            return ""
        at = base + upto
        crossing = next((one for one in found if one.start < at < one.end), None)
        if crossing is not None:
            found = [one if one is not crossing else replace(one, end=at) for one in found]
        out = self._give_out(upto, found)
        if crossing is not None:
            self._hidden = replace(crossing, start=0, end=crossing.end - at)
        return out

    def _give_out(self, cut: int, found: Sequence[Identifier]) -> str:
        window, base = self._context + self._held, len(self._context)
        at = base + cut
        ready = [one for one in found if one.end <= at]
        made, pieces = replaced(self._surrogates, window[:at], ready, behind=window[at:])
        self._grow(pieces)
        out = made[base:]
        shift = self._given_out - base
        moved = [piece.model_copy(update={"start": piece.start + shift, "end": piece.end + shift}) for piece in pieces]
        self._pieces += moved
        self._note_plain(made, pieces, base)
        self._sha256.update(out.encode("utf-8", "surrogatepass"))
        self._given_out += len(out)
        self._context = window[max(0, at - self._horizon) : at]
        self._held = window[at:]
        self._wanted = self._horizon + self._step
        if self._hidden is not None:
            self._hidden = replace(self._hidden, end=self._hidden.end - cut) if self._hidden.end > cut else None
        return out

    def _grow(self, pieces: Sequence[Piece]) -> None:
        """Raise UsageError before text is given out whose way back would be longer than can be read again."""
        self._pieces_bytes += sum(_PIECE_BYTES + len(json.dumps(piece.original)) for piece in pieces)
        entries = self._surrogates.entries
        if entries > _MAX_ENTRIES or self._pieces_bytes + entries * _ENTRY_BYTES > MAX_MAPPING_BYTES:
            raise UsageError(
                f"after {self._given_out} characters the way back holds all that one mapping may",
                hint="what was given out has its mapping; give the rest as another text, with the same --key-file",
            )

    def _note_plain(self, made: str, pieces: Sequence[Piece], base: int) -> None:
        """Remember words that are surrogates of something else by now: such a word is never put back elsewhere."""
        self._plain.update(plain_of([(made, pieces)]))
        at = base
        for start, end in (*((piece.start, piece.end) for piece in pieces), (len(made), len(made))):
            for word in TOKEN.findall(made[at:start]):
                if self._surrogates.is_surrogate(folded := stem(word).casefold()):
                    self._plain.add(folded)
            at = end
