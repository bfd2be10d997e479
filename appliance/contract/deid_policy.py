"""Which text must be de-identified before a model reads it: by kind of document and by engine. A file of the practice.

    {"schema_version": "deid-policy/v1",
     "on_unrestored": "mark",
     "rules": [{"kind": "referral_letter", "engine": "*", "text": "forbidden"},
               {"kind": "*", "engine": "smollm2-135m-instruct", "text": "allowed"}]}

The first rule that fits decides. Where none fits, the text is de-identified: `required`.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from appliance.contract.model import ContractModel

MAX_BYTES = 256 * 1024
ANY = "*"

Kind = Literal[
    "*", "visit_note", "record_summary", "prior_auth_appeal", "referral_letter", "patient_letter",
    "discharge_instructions", "front_desk_template", "coding",
]  # fmt: skip
"""The documents that a model writes, and `coding`: text that a model reads to rank codes."""


class TextRule(StrEnum):
    """What holds for a text before a model reads it."""

    REQUIRED = "required"
    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"
    """The caller says; who says nothing gets the text as it is."""


class PolicyError(ValueError):
    """The file is no policy; says where, and never more of it than a key or a word of the policy."""


class PolicyRow(ContractModel):
    """One rule."""

    kind: Annotated[Kind, Field(description="A kind of document, coding, or * for all.")] = "*"
    engine: Annotated[
        str, Field(pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199})$", description="The model's name, or *.")
    ] = ANY
    sealed: Annotated[
        bool | None, Field(description="Only an engine whose weights have a root hash, or only one without.")
    ] = None
    text: TextRule

    def fits(self, kind: str, engine: str, *, sealed: bool) -> bool:
        """Whether it decides about a document of a kind on an engine."""
        return self.kind in (ANY, kind) and self.engine in (ANY, engine) and self.sealed in (None, sealed)

    def covers(self, other: PolicyRow) -> bool:
        """Whether it fits wherever another does, so that the other is never asked."""
        return (
            self.kind in (ANY, other.kind) and self.engine in (ANY, other.engine)
            and self.sealed in (None, other.sealed)
        )  # fmt: skip


class DeidPolicy(ContractModel):
    """The whole file.

    `on_unrestored`: what becomes of a draft in which something cannot be brought back. `mark`: the statement is
    unsupported, and nobody signs it without an explicit act. `refuse`: there is no draft.
    """

    schema_version: Literal["deid-policy/v1"]
    on_unrestored: Literal["mark", "refuse"] = "mark"
    rules: Annotated[tuple[PolicyRow, ...], Field(max_length=200)]

    @model_validator(mode="after")
    def _each_can_decide(self) -> Self:
        for number, row in enumerate(self.rules):
            for earlier, other in enumerate(self.rules[:number]):
                if other.covers(row):
                    raise ValueError(f"rules.{number} is never reached: rules.{earlier} fits wherever it does")
        return self

    def rule(self, kind: str, engine: str, *, sealed: bool) -> TextRule:
        """Return what holds. `engine`: the model's name as the engine states it; `sealed`: it has a root hash."""
        found = (row.text for row in self.rules if row.fits(kind, engine, sealed=sealed))
        return next(found, TextRule.REQUIRED)

    @property
    def sha256(self) -> str:
        """Digest of the canonical form, by which the log knows it."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


DEFAULT = DeidPolicy(schema_version="deid-policy/v1", rules=(PolicyRow(sealed=True, text=TextRule.ALLOWED),))
"""Without a file: weights that the box sealed read text as it is unless the caller wants otherwise; others never do."""


def parse(data: bytes) -> DeidPolicy:
    """Read a policy. Raises PolicyError with line and column, or with the path of the key."""
    if len(data) > MAX_BYTES:
        raise PolicyError(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        document = json.loads(data, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise PolicyError(f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None
    except (UnicodeDecodeError, RecursionError):
        raise PolicyError("not JSON in UTF-8") from None
    return of(document)


def of(document: Any) -> DeidPolicy:
    """Return the policy that a JSON document holds. Raises PolicyError with the path of the key."""
    try:
        return DeidPolicy.model_validate_json(json.dumps(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        seen = first.get("input")
        shown = f"; seen: {seen[:60]!r}" if isinstance(seen, str) else ""
        raise PolicyError(f"{where}: {first['msg']}{shown}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise PolicyError(f"the key {twice[:60]!r} stands twice in one object")
    return found
