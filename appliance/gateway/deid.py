"""What the practice's policy says about text before a model reads it, and the text that the model reads instead."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.clinical.document import MAX_STATEMENT_CHARS, Document, Finding, FindingKind, Grounding, Notice
from appliance.clinical.source import Passage, Source
from appliance.contract.audit import Tool
from appliance.contract.deid_policy import DEFAULT, DeidPolicy, PolicyError, TextRule, of
from appliance.deid.deidentify import Deidentified, Deidentifier, found_in
from appliance.deid.identifier import Detector, Identifier
from appliance.deid.kept import Findings
from appliance.deid.known_values import KnownValues
from appliance.deid.loading import detector_digest, load_detector
from appliance.deid.mapping import Mapping
from appliance.deid.offsets import Offsets
from appliance.deid.restore import Restorer
from appliance.deid.restored import Leftover, Reason
from appliance.deid.stream import HORIZON_CHARS, settled
from appliance.drafting.checks import refuse_identifiers
from appliance.drafting.errors import OutputError
from appliance.drafting.events import Begun, PartPlan
from appliance.drafting.order import Order
from appliance.drafting.settings import ModelIdentity
from appliance.errors import UnknownStateError, UsageError
from appliance.gateway.known import Known
from appliance.gateway.known_people import is_person, names_in, told_by
from appliance.gateway.vault import EncounterKey
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
LIVE = "live"
"""The identifier of the running visit among sources."""
_MAX_FINDINGS = 50
_WORDS = {
    Reason.AMBIGUOUS: "it may stand for more than one thing",
    Reason.SURROGATE: "it looks like a stand-in, and is none of this encounter",
    Reason.NEAR: "it is one letter from a stand-in",
    Reason.PART: "it is a part of a stand-in that means nothing alone",
    Reason.DATE: "this date was not in the sources",
    Reason.UNKNOWN: "this identifier was not in the sources",
}


def policy_of(given: dict[str, Any] | None) -> DeidPolicy:
    """Return the policy of the settings. Raises UsageError with the place that is wrong."""
    if given is None:
        return DEFAULT
    try:
        return of(given)
    except PolicyError as error:
        raise UsageError(f"deid_policy: {error}", hint="see docs/design/deid-surrogates.md, or leave it out") from None


@dataclass(frozen=True)
class Text:
    """A text to hide. `findings`: where its identifiers are kept; `growing`: it is still being said."""

    text: str
    findings: Findings = field(default_factory=Findings)
    growing: bool = False


@dataclass(frozen=True)
class Hidden:
    """Texts as they were read, without their identifiers, and the way back.

    `texts`: the originals. Of a text that is still being said, its end is not among them: what stands there may be half
    an identifier.
    """

    texts: tuple[str, ...]
    made: tuple[Deidentified, ...]
    mapping: Mapping
    detector: Detector

    @property
    def counts(self) -> dict[str, int]:
        """How many identifiers of each kind were found."""
        return dict(Counter(one.kind.value for text in self.made for one in text.found))


class Deidentification:
    """Decides by the policy and hides identifiers; the detector is loaded with the first text that needs it.

    Args:
        policy: The practice's.
        load: Returns the detector; `version`: returns a digest of everything that it does.
    """

    def __init__(
        self, policy: DeidPolicy, load: Callable[[], Detector] = load_detector,
        version: Callable[[], str] = detector_digest,
    ) -> None:  # fmt: skip
        self.policy, self._load, self._version = policy, load, version
        self._policy_tool = Tool(kind="table", name="deid-policy", digest=policy.sha256)
        self._clinicians: tuple[tuple[str, tuple[str, ...]], tuple[str, ...]] | None = None

    def applies(self, kind: str, model: ModelIdentity, wanted: bool | None) -> bool:
        """Whether a text is hidden before this model reads it. Raises ProblemError 422 against the policy."""
        rule = self.policy.rule(kind, model.name, sealed=model.sha256 is not None)
        if rule is TextRule.REQUIRED and wanted is False:
            raise ProblemError(
                422, "deid-required", "The text must be de-identified",
                "the practice's policy lets this model read this kind of text without identifiers only",
            )  # fmt: skip
        if rule is TextRule.FORBIDDEN and wanted:
            raise ProblemError(
                422, "deid-forbidden", "The text must not be de-identified",
                "the practice's policy wants this kind of document from the text as it is",
            )  # fmt: skip
        return rule is TextRule.REQUIRED or (rule is TextRule.ALLOWED and wanted is True)

    def tools(self, *, applied: bool) -> tuple[Tool, ...]:
        """What decided and worked, for the log."""
        if not applied:
            return (self._policy_tool,)
        return self._policy_tool, Tool(kind="program", name="deid-detector", digest=self._version())

    def detector(self) -> Detector:
        """Return the detector. Raises ProblemError 503."""
        try:
            return self._load()
        except UnknownStateError as error:
            raise _unavailable(error) from None

    def hide(self, texts: Sequence[Text], key: EncounterKey, known: Known) -> Hidden:
        """De-identify texts of an encounter together. Raises ProblemError 503: then no model reads any of it.

        409: of a visit that is still going on, too little was said.
        """
        try:
            detector = self._load()
            find, names = self._finder(detector, texts, known)
            given = tuple(find.settled(one, names) if one.growing else one.text for one in texts)
            work = Deidentifier(
                detector, key.surrogate_key(), given, known_names=names, dates_key=known.dates_key, find=find
            )  # fmt: skip
            return Hidden(given, work.run(), work.mapping(), detector)
        except UnknownStateError as error:
            raise _unavailable(error) from None
        except ProblemError:
            raise
        except Exception as error:
            # Whatever it was: a text that could not be looked through is read by nobody. Its words may hold the text.
            log.error("de-identification: %s", type(error).__name__)
            raise _unavailable(None) from None

    def _finder(self, detector: Detector, texts: Sequence[Text], known: Known) -> tuple["_Finder", tuple[str, ...]]:
        version = self._version()
        told, values = told_by(detector, version, known.records)
        names = (*known.names, *names_in(detector, known.hints), *self._clinicians_of(detector, known.terms), *told)
        known = replace(known, values=tuple(dict.fromkeys((*known.values, *values))))
        finder = _Finder(KnownValues(detector, known.values), known, version)
        for one in texts:
            finder.kept_by[one.text] = one.findings
        return finder, tuple(dict.fromkeys(names))

    def _clinicians_of(self, detector: Detector, terms: tuple[str, ...]) -> tuple[str, ...]:
        """Return the terms of the practice's vocabulary that name a person: they change seldom, so they are kept."""
        asked = self._version(), terms
        if self._clinicians is None or self._clinicians[0] != asked:
            self._clinicians = asked, tuple(term for term in terms if is_person(detector, term))
        return self._clinicians[1]

    async def cover(
        self, order: Order, key: EncounterKey, known: Callable[[], Known], findings: dict[str, Findings]
    ) -> "Cover":
        """Return an order whose sources name nobody, and the way back. Raises ProblemError 409, 503, DraftError.

        `known` is asked in a thread; `findings`: by source, where their identifiers are kept.
        """
        return await asyncio.to_thread(self._cover, order, key, known, findings)

    def _cover(
        self, order: Order, key: EncounterKey, known: Callable[[], Known], findings: dict[str, Findings]
    ) -> "Cover":
        # What a front-desk template must not hold is looked for in what was given, not in what stands for it.
        refuse_identifiers(order)
        texts = [Text(one.text, findings.get(one.id, Findings()), one.id == LIVE) for one in order.sources]
        hidden = self.hide(texts, key, known())
        offsets = {source.id: Offsets(one.pieces) for source, one in zip(order.sources, hidden.made, strict=True)}
        sources = tuple(
            _hidden(source, len(text), one, offsets[source.id])
            for source, text, one in zip(order.sources, hidden.texts, hidden.made, strict=True)
        )
        restorer = Restorer(hidden.mapping, read=[one.text for one in hidden.made], detector=hidden.detector)
        return Cover(
            replace(order, sources=sources), restorer, self.policy.on_unrestored == "refuse", hidden.counts, offsets
        )


@dataclass
class _Finder:
    """Finds identifiers and known values, from what is kept where it is."""

    detector: KnownValues
    known: Known
    version: str
    kept_by: dict[str, Findings] = field(default_factory=dict)

    def __call__(self, text: str, names: Sequence[str]) -> tuple[Identifier, ...]:
        findings = self.kept_by.setdefault(text, Findings())
        return findings.find(text, self._context(names), lambda part: found_in(self.detector, part, names))

    def settled(self, one: Text, names: Sequence[str]) -> str:
        """Return the part of a text that is still being said behind which no identifier can begin any more.

        Raises ProblemError 409 when there is none: as with a stream, nothing of an identifier is given out before all
        of it was heard.
        """
        found = self(one.text, names)
        cut = settled(one.text, found, len(one.text) - HORIZON_CHARS)
        if cut is None:
            raise ProblemError(
                409, "not-live", "Too little was heard yet",
                f"a text without identifiers stays {HORIZON_CHARS} characters behind what is said",
            )  # fmt: skip
        beginning = one.text[:cut]
        self.kept_by[beginning] = one.findings
        inside = [identifier for identifier in found if identifier.end <= cut]
        one.findings.keep_beginning(beginning, self._context(names), inside)
        return beginning

    def _context(self, names: Sequence[str]) -> bytes:
        return self.known.digest(self.version, names)


def _unavailable(error: UnknownStateError | None) -> ProblemError:
    detail = f"{error}; {error.hint}" if error is not None else "nothing was read by a model; the journal has more"
    return ProblemError(503, "deid-unavailable", "The text cannot be de-identified", detail[:500])


def _hidden(source: Source, length: int, made: Deidentified, offsets: Offsets) -> Source:
    """Return a source as a model may read it, as far as it was hidden: `length` characters of it.

    What is said beside its text (labels, other hearings) stays behind.
    """
    passages = tuple(
        Passage(start=offsets.to_made(one.start), end=offsets.to_made(min(one.end, length)), speaker=one.speaker)
        for one in source.passages
        if one.start < length
    )
    return Source(id=source.id, kind=source.kind, text=made.text, passages=passages)


@dataclass
class Cover:
    """One draft from text without identifiers. `order`: what the engine reads; `counts`: identifiers by kind."""

    order: Order
    _restorer: Restorer
    _refuses: bool
    counts: dict[str, int]
    _offsets: dict[str, Offsets]
    _leftovers: dict[str, tuple[Leftover, ...]] = field(default_factory=dict)
    _one: threading.Lock = field(default_factory=threading.Lock)
    restored: int = 0
    unrestored: int = 0

    def restore(self, sentence: str) -> str:
        """Return a sentence with its identifiers. Raises OutputError where the policy refuses what is left over."""
        back = self._restorer.restore(sentence)
        with self._one:
            self.restored += back.replaced
            self.unrestored += len(back.leftovers)
            if back.leftovers:
                self._leftovers[back.text] = back.leftovers
        if len(back.text) > MAX_STATEMENT_CHARS or (back.leftovers and self._refuses):
            raise OutputError(
                f"{len(back.leftovers)} places of a sentence cannot be brought back from their stand-ins",
                hint="draft again, or write it by hand", code="output_unrestored",
            )  # fmt: skip
        return back.text

    def judged(self, text: str, grounding: Grounding) -> Grounding:
        """Return a statement's grounding with what could not be brought back: such a statement is not supported."""
        found = tuple(
            Finding(
                start=one.start, end=one.end,
                kind=FindingKind.DATE if one.reason is Reason.DATE else FindingKind.UNSUPPORTED,
                seen=text[one.start : one.end][:200], wanted=f"not brought back: {_WORDS[one.reason]}",
            )
            for one in self._leftovers.get(text, ())
        )  # fmt: skip
        if not found:
            return grounding
        return grounding.model_copy(
            update={"status": "unsupported", "findings": (*found, *grounding.findings)[:_MAX_FINDINGS]}
        )

    def begun(self, event: Begun) -> Begun:
        """Return the plan with places of the sources as they are."""
        return replace(event, parts=tuple(self._part(part) for part in event.parts))

    def _part(self, part: PartPlan) -> PartPlan:
        pieces = []
        for piece in part.pieces:
            to = self._offsets[piece.source].to_original
            pieces.append(replace(piece, start=to(piece.start), end=to(piece.end)))
        return replace(part, pieces=tuple(pieces))

    def told(self, document: Document) -> Document:
        """Return a document that says what its model did not read."""
        text = f"The model read the sources without identifiers: {sum(self.counts.values())} were replaced."
        notices = [Notice(code="deid.applied", text=text)]
        if self.unrestored:
            text = f"{self.unrestored} places could not be brought back from their stand-ins; they are marked."
            notices.append(Notice(code="deid.unrestored", text=text))
        return document.model_copy(update={"notices": (*notices, *document.notices)[:50]})

    def numbers_begun(self) -> dict[str, float]:
        """Counts by kind, for the log."""
        return {"deid.found": sum(self.counts.values()), **{f"deid.{kind}": n for kind, n in self.counts.items()}}

    def numbers_completed(self) -> dict[str, float]:
        """How the way back went, for the log."""
        return {"deid.restored": self.restored, "deid.unrestored": self.unrestored}
