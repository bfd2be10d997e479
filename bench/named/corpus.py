"""The texts that the second opinion learns from, and their division into folds by document.

MTS-Dialog (CC BY 4.0, Ben Abacha et al., EACL 2023), ACI-Bench (CC BY 4.0, Yim et al., Scientific Data 2023) and
CodiEsp (CC BY 4.0, Miranda-Escalada et al., CLEF eHealth 2020).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Text:
    """A text. `document`: what belongs together in one fold; `report`: it names nobody (a published case report)."""

    document: str
    text: str
    report: bool = False

    @property
    def fold(self) -> int:
        """0 to FOLDS - 1."""
        return fold_of(self.document)


def fold_of(name: str) -> int:
    """The fold of a document or of a word, the same in every run."""
    return hashlib.sha256(name.encode()).digest()[0] % FOLDS


def read_texts(data: Path) -> list[Text]:
    """All texts below a folder with `encounters` and `coding`; an OSError when one is missing."""
    return [*_encounters(data / "encounters"), *_case_reports(data / "coding")]


def _encounters(folder: Path) -> Iterator[Text]:
    for part in ("train", "valid"):
        for row in _rows(folder / f"aci_bench_{part}.jsonl"):
            yield Text(row["id"], row["dialogue"])
            yield Text(row["id"], row["note"])
    for row in _rows(folder / "mts_dialog_train.jsonl"):
        document = f"mts{row['id']}"
        yield Text(document, row["dialogue"].replace("\r\n", "\n"))
        yield Text(document, row["section_text"].replace("\r\n", "\n"))


def _case_reports(folder: Path) -> Iterator[Text]:
    for part in ("train", "dev"):
        for row in _rows(folder / f"codiesp_{part}.jsonl"):
            yield Text(row["id"].rsplit("-", 1)[0], row["text"], report=True)


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
