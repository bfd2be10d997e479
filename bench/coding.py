"""Code suggestions on CodiEsp in cross-validation, beside the longest match of a dictionary, in one run on one core.

Folds are of articles: cases of one article never stand on both sides. Everything that is learned, the calibration and
the thresholds too, comes from inside of the other folds. The measure is the set's convention (everything mentioned is
coded, in codes of 2018), so the product's rules on assertion and billability are not applied here.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import resource
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from coded.associate import Corpus
from coded.dictionary import Dictionary
from coded.fit import Fitted, Rows, by_category, fit, gathered, rows_of
from coded.measure import Score, at_rank, calibration, categories, macro, micro, plot
from coded.records import Record, folds, read_file, read_records

from appliance.coding.assertion import StatusReader
from appliance.coding.ranking import model
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import read
from appliance.coding.suggester import CodeSuggester, held_as_present
from appliance.coding.tables.builtin import built_in_table

_RANKS = (1, 3, 5, 10, 20)
_CONFIDENCES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
# A suggestion below is never shown; ten thousands of them would make any calibration look good.
_SHOWN = 0.05
_TIMED = 60


@dataclass
class Found:
    """What the folds gave, by record."""

    codes: dict[int, set[str]] = field(default_factory=dict)
    categories: dict[int, set[str]] = field(default_factory=dict)
    ranked: dict[int, list[str]] = field(default_factory=dict)
    confidence: list[Any] = field(default_factory=list)
    right: list[Any] = field(default_factory=list)
    per_fold: list[tuple[float, float]] = field(default_factory=list)


def main() -> int:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the CodiEsp files")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--records", type=int, help="that many records only, spread evenly")
    parser.add_argument("--held-out", type=Path, help="measure the shipped ranker on this JSONL file instead")
    parser.add_argument("--seed", type=int, default=0, help="of the division into folds")
    parser.add_argument("--plot", type=Path, help="PNG of the reliability diagram")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    if (options.data is None) == (options.held_out is None):
        parser.error("give --data FOLDER or --held-out FILE")
    began = time.process_time()
    table = built_in_table()
    if options.held_out:
        records = read_file(options.held_out)[: options.records]
    else:
        records = read_records(options.data, options.records)
    wanted = [set(record.codes) for record in records]
    if options.held_out:
        found = shipped(records)
    else:
        found = validated(records, Lexicon(table, tuple(sorted(set().union(*wanted)))), options.folds, options.seed)
    order = range(len(records))
    ours = {
        "code": scores([found.codes[at] for at in order], wanted),
        "category": scores([found.categories[at] for at in order], [categories(each) for each in wanted]),
    }
    dictionary = Dictionary(table.entries())
    matched = [dictionary.codes(record.text) for record in records]
    theirs = {
        "code": scores(matched, wanted),
        "category": scores([categories(each) for each in matched], [categories(each) for each in wanted]),
    }
    how = "the shipped ranker" if options.held_out else f"{options.folds} folds"
    print(f"{len(records)} records, {sum(map(len, wanted))} codes, {how}, {platform.machine()}")
    for level in ("code", "category"):
        for kind in ("micro", "macro"):
            one, other = ours[level][kind], theirs[level][kind]
            ratio = one.f1 / other.f1 if other.f1 else float("inf")
            print(f"{level:8} {kind}  ours {one}   dictionary {other}   F1 ratio {ratio:.2f}")
    for number, (code, category) in enumerate(found.per_fold):
        print(f"fold {number}: micro F1 {code:.3f}, category {category:.3f}")
    for rank in _RANKS:
        precision, recall = at_rank([found.ranked[at] for at in order], wanted, rank)
        print(f"P@{rank} {precision:.3f}  R@{rank} {recall:.3f}")
    confidence, right = np.concatenate(found.confidence), np.concatenate(found.right)
    total = sum(map(len, wanted))
    by_confidence = {}
    for least in _CONFIDENCES:
        above = confidence >= least
        share = float(right[above].mean()) if above.any() else float("nan")
        by_confidence[least] = (share, float(right[above].sum() / total), int(above.sum()))
        print(
            f"confidence >= {least:.2f}: precision {share:.3f}, coverage {by_confidence[least][1]:.3f}"
            f" of all codes ({above.sum()} suggestions)"
        )
    shown = confidence >= _SHOWN
    error, bins = calibration(confidence[shown], right[shown])
    print(f"expected calibration error {error:.4f} ({shown.sum()} suggestions of at least {_SHOWN:.0%})")
    if options.plot:
        plot(bins, error, options.plot)
    seconds = timed(records[:_TIMED])
    print(f"seconds a record: {seconds:.3f} on one core, with rules and evidence")
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"bench: {time.process_time() - began:.0f} s of CPU, {memory_mib:.0f} MiB")
    if options.json:
        figures = {
            "records": len(records), "ours": _plain(ours), "dictionary": _plain(theirs), "folds": found.per_fold,
            "by_confidence": by_confidence, "calibration_error": error, "bins": bins, "seconds_a_record": seconds,
        }  # fmt: skip
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def validated(records: list[Record], lexicon: Lexicon, count: int, seed: int) -> Found:
    """Suggest for every record with what the other folds taught."""
    readings = [read(record.text, lexicon) for record in records]
    held = [
        held_as_present(reading, StatusReader(record.text)) for record, reading in zip(records, readings, strict=True)
    ]
    corpus = Corpus(records, readings, lexicon)
    fold, found = folds(records, count, seed), Found()
    for each in range(count):
        outside = np.flatnonzero(fold == each)
        ranker = fit(corpus, records, np.flatnonzero(fold != each), held, seed + 1)
        rows = rows_of(corpus, list(outside), ranker.learned, held)
        _add(found, outside.tolist(), rows, ranker, lexicon, records)
        print(f"fold {each}: micro F1 {found.per_fold[-1][0]:.3f}", file=sys.stderr, flush=True)
    return found


def shipped(records: list[Record]) -> Found:
    """Suggest with the ranker that the appliance comes with; the records must not be those that it learned of."""
    lexicon = Lexicon(built_in_table(), model.learned_codes(model.shipped()))
    ranker = model.load(model.shipped(), lexicon, model.SHIPPED_SHA256)
    readings = [read(record.text, lexicon) for record in records]
    held = [
        held_as_present(reading, StatusReader(record.text)) for record, reading in zip(records, readings, strict=True)
    ]
    found = Found()
    truth = [set(record.codes) for record in records]
    rows = gathered(range(len(records)), readings, lexicon, ranker.learned, held, truth)
    _add(found, list(range(len(records))), rows, ranker, lexicon, records)
    return found


def _add(
    found: Found, texts: list[int], rows: Rows, ranker: Fitted | model.Ranker, lexicon: Lexicon, records: list[Record]
) -> None:
    """Add what a ranker suggests for some texts."""
    confidence = ranker.calibration.confidence(ranker.trees.odds(rows.features))
    found.confidence.append(confidence)
    found.right.append(rows.right)
    in_category = by_category(rows.text, lexicon.category[rows.code], confidence)
    chosen: dict[int, set[str]] = defaultdict(set)
    for (text, category), chance in in_category.items():
        if chance >= ranker.best_category:
            chosen[text].add(str(lexicon.categories[category]))
    for text in texts:
        mine = np.flatnonzero(rows.text == text)
        mine = mine[np.argsort(-confidence[mine], kind="stable")]
        codes = [lexicon.codes[code] for code in rows.code[mine]]
        found.ranked[text] = codes
        found.codes[text] = {
            code for code, sure in zip(codes, confidence[mine], strict=True) if sure >= ranker.best_code
        }
        found.categories[text] = chosen[text]
    wanted = [set(records[at].codes) for at in texts]
    found.per_fold.append(
        (
            micro([found.codes[at] for at in texts], wanted).f1,
            micro([found.categories[at] for at in texts], [categories(one) for one in wanted]).f1,
        )
    )


def scores(suggested: list[set[str]], wanted: list[set[str]]) -> dict[str, Score]:
    """Micro and macro."""
    return {"micro": micro(suggested, wanted), "macro": macro(suggested, wanted)}


def timed(records: list[Record]) -> float:
    """Seconds of CPU a record takes with the shipped ranker, from text to suggestions."""
    suggester = CodeSuggester(built_in_table())
    day = datetime.date(2026, 5, 1)
    began = time.process_time()
    for record in records:
        suggester.suggest(record.text, on=day)
    return (time.process_time() - began) / len(records)


def _plain(given: dict[str, dict[str, Score]]) -> dict[str, Any]:
    return {level: {kind: asdict(score) for kind, score in each.items()} for level, each in given.items()}


if __name__ == "__main__":
    sys.exit(main())
