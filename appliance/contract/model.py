"""The base of every contract model: frozen, and strict about what it was not told of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest or a dm-verity root hash, in lower-case hexadecimal."""


class ContractModel(BaseModel):
    """A document that crosses the line between the box and the operator.

    Unknown keys are refused: the two sides are installed separately, and a key that one side does not understand
    may be the one that changes the meaning of the rest. A new key is a new `schema_version`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def left_out_if_empty(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document without members that are empty: one that has nothing new in it reads as it did before.

    For a model's serializer, where a reader of an earlier version is to understand what it can.
    """
    return {name: value for name, value in document.items() if value or name not in names}
