"""Text of an encounter without identifiers, for whatever reads it, and the way back."""

import base64
import binascii
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from appliance.deid.deidentify import Deidentified
from appliance.deid.identifier import IdentifierKind
from appliance.deid.mapping import Mapping
from appliance.deid.residual import ResidualRisk, assess
from appliance.deid.restore import Restorer
from appliance.deid.restored import Reason
from appliance.gateway.api import Answer, Given, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.capture import require_drafting
from appliance.gateway.core import Core
from appliance.gateway.deid import LIVE, Text
from appliance.gateway.known_sources import known_of
from appliance.gateway.opening import Opened, open_encounter
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.sources import commitments, gather
from appliance.gateway.trail import Act, commitment
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/encounters/{encounter}", tags=["de-identification"])
MAX_CHARS = 500_000
"""In one request: an hour's visit has about 60,000 characters."""

_Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]


class DeidentificationWanted(Given):
    """Which text of this encounter. All of it is worked on together, so that the same person is the same in all."""

    sources: Annotated[
        tuple[Uuid | Literal["live"], ...], Field(max_length=20, description="Transcripts, records, or `live`.")
    ] = ()
    text: Annotated[_Text | None, Field(description="A text of the caller's about the same patient.")] = None


class Span(Answer):
    """Characters [start, end) of a text that was made."""

    start: int
    end: int
    kind: IdentifierKind


class DeidentifiedText(Answer):
    """One text without its identifiers."""

    source: Annotated[str | None, Field(description="None: the text of the request.")]
    text: str
    replaced: tuple[Span, ...]
    residual_risk: ResidualRisk


class DeidentificationAnswer(Answer):
    """The texts, and what brings their identifiers back, which opens only here and only for this encounter."""

    texts: tuple[DeidentifiedText, ...]
    mapping: Annotated[str, Field(description="Sealed under the encounter's key, base64. Keep it; it is not stored.")]
    audit_index: int


class RestorationWanted(Given):
    """A text that was written from de-identified text."""

    text: _Text
    mapping: Annotated[str, Field(min_length=1, description="As the de-identification answered it.")]
    read: Annotated[
        tuple[_Text, ...], Field(max_length=20, description="The de-identified texts that the writer read.")
    ] = ()


class LeftoverAnswer(Span):
    """A place of the restored text that somebody must look at."""

    reason: Annotated[Reason, Field(description="Why nobody can say what belongs there.")]


class RestorationAnswer(Answer):
    """The text with its identifiers. `exact`: it is what was de-identified, character by character."""

    text: str
    exact: bool
    replaced: int
    leftovers: tuple[LeftoverAnswer, ...]
    audit_index: int


def _open(
    core: Core, caller: Principal, encounter: str, wanted: DeidentificationWanted
) -> tuple[Opened, list[Text], Act]:
    """Open, decide and gather. Raises ProblemError, AccessError, ConsentError."""
    since = core.readings.mark()
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.READ_TRANSCRIPT)
        opened.require_also(core, connection, Action.READ_RECORD)
        gathered = gather(core, connection, opened, wanted.sources, since)
        if gathered.captured:
            require_drafting(core, connection, opened)
    texts = [Text(one.source.text, one.findings, one.source.id == LIVE) for one in gathered.readings]
    if wanted.text is not None:
        texts.append(Text(wanted.text))
    if not texts:
        raise ProblemError(422, "nothing-to-do", "There is no text", "name at least one source, or send a text")
    if (size := sum(len(one.text) for one in texts)) > MAX_CHARS:
        raise ProblemError(
            413, "too-large", "Too large", f"{size} characters; at most {MAX_CHARS} are worked on at once"
        )
    inputs = commitments(opened.key, gathered.readings)
    if wanted.text is not None:
        inputs = (*inputs, commitment("text", opened.key.commit(wanted.text.encode())))
    return opened, texts, Act("text.deidentified", encounter, inputs=inputs)


def _place(encounter: str) -> str:
    return f"deid-mapping/{encounter}"


def _spans(made: Deidentified) -> tuple[Span, ...]:
    return tuple(Span(start=one.start, end=one.end, kind=one.kind) for one in made.pieces)


@router.post("/deidentification", summary="De-identify text of an encounter")
def deidentification(
    encounter: Uuid, wanted: DeidentificationWanted, caller: Caller, core: TheCore
) -> DeidentificationAnswer:
    """Identifiers are replaced by stand-ins, dates moved by weeks. The answer says what is left of the risk."""
    opened, given, act = _open(core, caller, encounter, wanted)
    hidden = core.deid.hide(given, opened.key, known_of(core, opened))
    made, texts, mapping = hidden.made, hidden.texts, hidden.mapping
    counts: dict[str, float] = {
        "deid.found": sum(hidden.counts.values()), **{f"deid.{kind}": n for kind, n in hidden.counts.items()},
    }  # fmt: skip
    sealed = opened.key.seal(mapping.dumps().encode("utf-8", "surrogatepass"), _place(encounter))
    index = core.trail.append(
        opened.actor,
        Act(
            act.event, encounter, inputs=act.inputs, tools=core.deid.tools(applied=True),
            produced=tuple(
                commitment(f"text.{number}", opened.key.commit(one.text.encode("utf-8", "surrogatepass")))
                for number, one in enumerate(made)
            ),
            numbers=counts,
        ),
    )  # fmt: skip
    names = (*dict.fromkeys(wanted.sources), *([] if wanted.text is None else [None]))
    return DeidentificationAnswer(
        texts=tuple(
            DeidentifiedText(source=name, text=one.text, replaced=_spans(one), residual_risk=assess(text, one))
            for name, text, one in zip(names, texts, made, strict=True)
        ),
        mapping=base64.b64encode(sealed).decode(),
        audit_index=index,
    )


def _unsealed(opened: Opened, encounter: str, sealed: str) -> Mapping:
    try:
        data = opened.key.open(base64.b64decode(sealed, validate=True), _place(encounter))
        return Mapping.model_validate_json(data)
    except (binascii.Error, IntegrityError, ValueError):
        raise ProblemError(
            422, "mapping-invalid", "The mapping does not open",
            "it is of another encounter, or was changed: send it as it was answered", parameter="mapping",
        ) from None  # fmt: skip


@router.post("/restoration", summary="Bring identifiers back into a text")
def restoration(encounter: Uuid, wanted: RestorationWanted, caller: Caller, core: TheCore) -> RestorationAnswer:
    """Exactly, for a text as it was made; in one that was rewritten, what is certain. The rest is named."""
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.READ_TRANSCRIPT)
        opened.require_also(core, connection, Action.READ_RECORD)
    mapping = _unsealed(opened, encounter, wanted.mapping)
    back = Restorer(mapping).restore(wanted.text)
    if not back.exact:
        back = Restorer(mapping, read=wanted.read, detector=core.deid.detector()).restore(wanted.text)
    index = core.trail.append(
        opened.actor,
        Act(
            "text.restored", encounter, tools=core.deid.tools(applied=True),
            produced=(commitment("text", opened.key.commit(back.text.encode("utf-8", "surrogatepass"))),),
            numbers={"deid.restored": back.replaced, "deid.unrestored": len(back.leftovers), "exact": int(back.exact)},
        ),
    )  # fmt: skip
    return RestorationAnswer(
        text=back.text, exact=back.exact, replaced=back.replaced, audit_index=index,
        leftovers=tuple(
            LeftoverAnswer(start=one.start, end=one.end, kind=one.kind, reason=one.reason) for one in back.leftovers
        ),
    )  # fmt: skip
