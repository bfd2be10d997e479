"""The base of every contract model: frozen, and strict about what it was not told of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest or a dm-verity root hash, in lower-case hexadecimal."""


class ContractModel(BaseModel):
    """A document that crosses the line between the box and the operator.

    Unknown keys are refused: the two sides are installed separately, and a key that one side does not understand
    may be the one that changes the meaning of the rest. A new key is a new `schema_version`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
