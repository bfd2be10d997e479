"""A statement, read once: its tokens, the units of meaning that a source must carry, and its numbers."""

from dataclasses import dataclass

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.index import terms_at
from appliance.grounding.numbers import Quantity, quantities
from appliance.grounding.tables import STRONG, Tables, tables
from appliance.grounding.tokens import Token, stem, tokenise, words

_KINDS = {
    "drug": FindingKind.DRUG,
    "race": FindingKind.DEMOGRAPHIC,
    "date": FindingKind.DATE,
    "frequency": FindingKind.DOSE,
}
# Which class names a unit when several do: what harms most when it is wrong comes first.
_RANK = {"drug": 0, "frequency": 1, "clinical": 2, "anatomy": 3, "family": 4, "race": 5, "date": 6, "general": 7}


@dataclass(slots=True)
class Unit:
    """A word or phrase [first, last) to be carried. `names`: what a source may have in its place."""

    first: int
    last: int
    names: tuple[str, ...]
    group: str
    parts: tuple[tuple[str, ...], ...] = ()

    @property
    def strong(self) -> bool:
        """Whether the source must carry it, whatever else it carries."""
        return self.group in STRONG

    @property
    def kind(self) -> FindingKind:
        """What its absence is called."""
        return _KINDS.get(self.group, FindingKind.UNSUPPORTED)


@dataclass(slots=True)
class Reading:
    """A statement as it was read."""

    text: str
    tokens: list[Token]
    units: list[Unit]
    numbers: list[Quantity]

    def finding(self, kind: FindingKind, first: int, last: int, wanted: str = "") -> Finding:
        """Return a finding on tokens [first, last)."""
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        return Finding(start=start, end=end, kind=kind, seen=self.text[start:end][:200], wanted=wanted[:300])


def _word_names(token: Token, known: Tables) -> tuple[str, ...]:
    """What may stand for a single word: itself, and the meanings it equals."""
    names = [f"w:{token.stem}"]
    names += [
        term.concept
        for term in known.terms.get(token.stem, ())
        if len(term.stems) == 1 and not term.implies and term.exact in ("", token.text)
    ]
    negated = known.negated.get(token.stem)
    if negated is not None:
        names.append(f"w:{negated}")
        names += [term.concept for term in known.terms.get(negated, ()) if len(term.stems) == 1 and not term.implies]
    return tuple(dict.fromkeys(names))


def _named(text: str, tokens: list[Token], at: int) -> str:
    """Class of a word by where it stands: behind what one takes a drug, with a capital inside a sentence a name."""
    before = [token.text for token in tokens[max(0, at - 3) : at]]
    after = tokens[at + 1 : at + 3]
    dosed = len(after) == 2 and after[0].kind == "n" and tables().units.get(after[1].text, "") in _DOSED
    if dosed or (after and after[0].text in ("prn", "bid", "tid", "qid", "qd", "qhs")):
        return "drug"
    if (
        before[-1:]
        and before[-1] in _TAKING | {"on"}
        and tokens[at].text.endswith(("ic", "in", "ix", "um", "ol", "ab", "ra", "or"))
    ):
        return "drug"
    first = not before or before[-1] in (".", "!", "?", ":", ";", "\n", "-", "*", "(", "#", '"', ")")
    if not first and text[tokens[at].start].isupper() and text[tokens[at].start : tokens[at].end].lower() != "i":
        return "drug" if _TAKING & set(before) or before[-2:] in (["on", "the"], ["the", "same"]) else "name"
    return "plain"


# Words that a heading may have before its colon.
_HEADING = 10
_DOSED = frozenset({"mg", "mcg", "g", "ml", "iu", "meq", "piece", "puff"})
_TAKING = frozenset(
    words("take takes taking took prescribed prescribe start started starting continue restarted given began using")
)


def _class_of(token: Token, known: Tables, otherwise: str) -> str:
    """Class of a word that no table line names: its form tells, or its place."""
    word = token.text
    if token.stem in known.negated:
        return "clinical"
    if token.kind == "c":
        return "clinical"
    if len(word) >= 6 and word not in known.not_drugs and word.endswith(known.drug_endings):
        return "drug"
    if len(word) >= 6 and word.endswith(known.suffixes):
        return "clinical"
    return otherwise


# What a statement is about when it has nothing else: "no other complaints", "no significant past medical history".
_THIN = frozenset(
    stem(word)
    for word in words(
        "symptom complaint problem concern complication medical history family social exam evaluation visit clinic"
        " followup question plan event episode finding result agree feel"
    )
)


def read(text: str) -> Reading:
    """Read a statement; one that has only words of the frame is read by those among them that mean something."""
    reading = _read(text, tables().frame)
    return reading if reading.units or reading.numbers else _read(text, tables().frame - _THIN, "thin")


def _read(text: str, frame: frozenset[str], thin: str = "") -> Reading:
    known = tables()
    tokens = tokenise(text)
    numbers = quantities(tokens)
    in_number = {at for number in numbers for at in range(number.first, max(number.last, number.unit_end))}
    units: list[Unit] = []
    at = 0
    # "Medical reasoning: ..." heads a line; its ordinary words are the template's, not the model's.
    heading = next((place for place, token in enumerate(tokens[:_HEADING]) if token.text == ":"), 0)
    while at < len(tokens):
        token = tokens[at]
        found = [match for match in terms_at(tokens, at, len(tokens)) if token.kind != "m"]
        if token.stem in known.stop or token.text in known.stop:
            found = [match for match in found if match[0] - at > 1]
        if token.kind == "m" or (at in in_number and not found):
            at += 1
            continue
        if found:
            end = found[0][0]
            same = sorted((match for match in found if match[0] == end), key=lambda match: _RANK.get(match[2], 9))
            group = same[0][2]
            names = [name for _, name, _, implied in same if not implied]
            if end - at == 1:
                names = [*_word_names(token, known), *names]
                if group in ("general", "date") and token.stem in frame:
                    at += 1
                    continue
            if at < heading and (group not in STRONG or group == "anatomy"):
                group = "heading"  # need not be carried, but a side may be said of it: "Lungs: clear on the left"
            parts = tuple(
                _word_names(part, known)
                for part in tokens[at:end]
                if part.kind != "m" and part.text not in known.stop and part.text not in ("trouble", "problem")
            )
            group = thin if thin and group == "general" else group
            units.append(Unit(at, end, tuple(dict.fromkeys(names)), group, parts if end - at > 1 else ()))
            at = end
            continue
        ordinary = token.stem in known.stop or token.text in known.stop or token.stem in frame
        if not ordinary and (len(token.text) > 1 or not token.text.isascii()) and at >= heading:
            group = _class_of(token, known, thin or _named(text, tokens, at))
            units.append(Unit(at, at + 1, _word_names(token, known), group))
        at += 1
    return Reading(text, tokens, units, numbers)
