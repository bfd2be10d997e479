"""LoRA adapters of the drafting model: their files, what they are called by, and what a set of them must be."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

AdapterForm = Literal["safetensors", "gguf"]
"""safetensors for vLLM, GGUF for llama.cpp."""
ADAPTER_FILES: Mapping[AdapterForm, tuple[str, ...]] = {
    "safetensors": ("adapter_config.json", "adapter_model.safetensors"),
    "gguf": ("adapter.gguf",),
}
MAX_ADAPTERS = 8
"""As many as the drafting unit has places to mount one at; vLLM keeps all of them on the card."""
MAX_RANK = 512
"""The largest that vLLM serves (its --max-lora-rank)."""
Rank = Annotated[int, Field(ge=1, le=MAX_RANK)]
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
"""A kind of document, as the drafting service names it: visit_note."""


class ForKinds(Protocol):
    """An adapter, wherever it is named."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def kinds(self) -> tuple[str, ...]: ...


def digest_of(files: Iterable[tuple[str, str]]) -> str:
    """Return the adapter's digest from the SHA-256 and the name of each file, in the order of ADAPTER_FILES.

    It is SHA-256 over the lines "<SHA-256>  <name>": what `sha256sum FILE… | sha256sum` says in the folder.
    """
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for sha256, name in files).encode()).hexdigest()


def problem_of(adapters: Sequence[ForKinds]) -> str:
    """Return why these cannot serve together; empty when they can. A kind of document has one adapter at most."""
    kinds: dict[str, str] = {}
    for each in adapters:
        for kind in each.kinds:
            if kind in kinds:
                return f"adapters: {kinds[kind]} and {each.name} are both for {kind}"
            kinds[kind] = each.name
    for what, found in (("name", [each.name for each in adapters]), ("digest", [each.digest for each in adapters])):
        if len(set(found)) != len(found):
            return f"adapters: two have the same {what}"
    return ""
