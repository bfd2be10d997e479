"""The coded records of CodiEsp (CC BY 4.0) and their division into folds by article."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Record:
    """A text and the diagnosis codes that coders gave it."""

    id: str
    text: str
    codes: tuple[str, ...]

    @property
    def article(self) -> str:
        """Cases of one article carry the same stem: they must not stand on both sides of a division."""
        return self.id.rsplit("-", 1)[0]


def read_file(path: Path) -> list[Record]:
    """The records of one file, a JSON object with id, text and diagnoses a line."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [Record(row["id"], row["text"], tuple(row["diagnoses"])) for row in rows]


def read_records(folder: Path, limit: int | None = None) -> list[Record]:
    """Train and dev, in the files' order; `limit` keeps that many, spread evenly."""
    records = [*read_file(folder / "codiesp_train.jsonl"), *read_file(folder / "codiesp_dev.jsonl")]
    if limit is None or limit >= len(records):
        return records
    return [records[int(at)] for at in np.linspace(0, len(records) - 1, limit)]


def folds(records: Sequence[Record], count: int, seed: int) -> NDArray[np.int64]:
    """The fold of each record; an article lies in one fold."""
    articles = sorted({record.article for record in records})
    shuffled = np.random.default_rng(seed).permutation(len(articles))
    fold = {articles[place]: at % count for at, place in enumerate(shuffled)}
    return np.array([fold[record.article] for record in records])
