"""One metric with its samples, in Prometheus' text format 0.0.4 (prometheus.io, Exposition formats)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_LABEL_CHARS = 200
_NAME = re.compile(r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass
class Family:
    """A name, what it means, and its samples."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    samples: list[tuple[dict[str, str], float]] = field(default_factory=list)

    def add(self, value: float | int | bool | None, **labels: str | int | None) -> None:
        """Add a sample. One without a value is left out: Prometheus has no word for "nobody knows"."""
        if value is not None and math.isfinite(value):
            kept = {name: str(label) for name, label in labels.items() if label is not None}
            self.samples.append((kept, float(value)))

    def __str__(self) -> str:
        if not self.samples:
            return ""
        head = f"# HELP {self.name} {_help(self.meaning)}\n# TYPE {self.name} {self.kind}\n"
        return head + "".join(f"{self.name}{_labels(labels)} {_number(value)}\n" for labels, value in self.samples)


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", " ")


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    for name in labels:
        if not _NAME.match(name):
            raise ValueError(f"not a label name: {name!r}")
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    """Within bounds, and without what a terminal would obey."""
    plain = "".join(character for character in value[:MAX_LABEL_CHARS] if character.isprintable() or character == "\n")
    return plain.translate(_ESCAPES)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
