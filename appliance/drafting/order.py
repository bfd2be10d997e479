"""What is ordered: a kind, a template and sources. Nothing in a source can change any of it."""

import re
from dataclasses import dataclass, field

from appliance.clinical.document import MAX_STATEMENT_CHARS, DocumentKind, Section
from appliance.clinical.source import Source
from appliance.drafting.errors import OrderRefusedError
from appliance.drafting.kinds import Template, built_in
from appliance.drafting.settings import Settings

# BCP 47, as far as a practice needs it: language, and optionally a region. It stands in the prompt, so no free text.
_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Z]{2})?$")
_FENCE = re.compile(r"^[0-9a-f]{24}$")
_STATE = re.compile(r"^[A-Z]{2}$")
# A sentence for each recorded event, of 130 to 250 characters; it becomes one statement.
MAX_CONSENT_LINE_CHARS = MAX_STATEMENT_CHARS


@dataclass(frozen=True)
class Series:
    """What refreshes of one live draft share, so that the engine's prefix cache recognises the beginning.

    `fence` is the random mark around the sources. It must not be known to who speaks or writes.
    """

    fence: str = field(repr=False)


@dataclass(frozen=True)
class Order:
    """One document to draft.

    `sources`: read in this order, except that transcripts come last, because they grow while the visit goes on.
    `skeleton`: sections that were made from structured facts (see `records`); the model is not asked for them.
    `consent_line`: the recorded consent event as a sentence; the only way such a sentence gets into a document.
    `state`: where the patient is, for what the law wants to be said; None is unknown and gets the strictest.
    `refresh_of`: the `series` of the `Begun` that this order refreshes.
    """

    kind: DocumentKind
    sources: tuple[Source, ...]
    template: Template | None = None
    language: str = "en"
    max_output_tokens: int = 2048
    temperature: float = 0.0
    seed: int = 0
    refresh_of: Series | None = None
    skeleton: tuple[Section, ...] = ()
    consent_line: str | None = None
    state: str | None = None
    reviewed: bool = False

    @property
    def form(self) -> Template:
        """The template: the practice's own, or ours for this kind."""
        return self.template if self.template is not None else built_in(self.kind)


def check_order(order: Order, settings: Settings) -> None:
    """Raise OrderRefusedError when the order cannot be, or must not be, drafted."""
    for problem, wanted in _problems(order, settings):
        raise OrderRefusedError(problem, hint=wanted, code="order_invalid")


def _problems(order: Order, settings: Settings) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    template = order.form
    if template.kind is not order.kind:
        found.append((f"the template is for {template.kind.value}, the order for {order.kind.value}", "match them"))
    if not order.sources or len(order.sources) > settings.max_sources:
        found.append((f"{len(order.sources)} sources were given", f"give 1 to {settings.max_sources}"))
    if len({source.id for source in order.sources}) != len(order.sources):
        found.append(("two sources have the same identifier", "give each its own"))
    chars = sum(len(source.text) for source in order.sources)
    if chars > settings.max_source_chars:
        found.append((f"the sources hold {chars:,} characters", f"at most {settings.max_source_chars:,} are read"))
    if not any(source.text.strip() for source in order.sources):
        found.append(("the sources hold no text", "draft after something was said or imported"))
    if not _LANGUAGE.match(order.language):
        found.append(("the language is no tag such as en or es-US", "give a BCP 47 tag"))
    if order.state is not None and not _STATE.match(order.state):
        found.append(("the state is not two capital letters", "give a USPS code, or nothing when it is unknown"))
    if not 0 <= order.temperature <= 2:
        found.append((f"the temperature is {order.temperature}", "give 0 to 2; 0 repeats best"))
    if not 16 <= order.max_output_tokens < settings.context_tokens:
        wanted = f"give 16 to {settings.context_tokens - 1}, and leave room for the sources"
        found.append((f"max_output_tokens is {order.max_output_tokens}", wanted))
    if order.consent_line is not None and not 0 < len(order.consent_line.strip()) <= MAX_CONSENT_LINE_CHARS:
        found.append(("the consent line is empty or too long", f"at most {MAX_CONSENT_LINE_CHARS} characters"))
    if order.refresh_of is not None and not _FENCE.match(order.refresh_of.fence):
        found.append(("the series is none of ours", "give back the series of the Begun event"))
    fillable = {section.name for section in template.sections if section.origin == "facts"}
    if strange := sorted({section.name for section in order.skeleton} - fillable):
        found.append((f"the skeleton has sections that facts may not fill: {', '.join(strange)[:200]}", "see kinds/"))
    if len({section.name for section in order.skeleton}) != len(order.skeleton):
        found.append(("the skeleton has a section twice", "merge them"))
    return found
