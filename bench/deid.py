"""De-identification beside Presidio's default configuration with the same spaCy model, in one run on one core.

An identifier counts as found only when it is hidden whole. A redaction is wrong when it touches no identifier. Clinical
terms are those marked in our templates, and the harmless hard cases, which hold none at all. On the encounters only
the names of the metadata are annotated, so wrong redactions are counted on the templates and on the synthetic
sentences. See docs/design/deid-detection.md for what was seen while rules were made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deidcases.cases import Case
from deidcases.sets import add_set_options, clinical_texts, templates

from appliance.deid.detector import ClinicalDetector
from appliance.deid.lexicon import words
from appliance.deid.model import model_directory

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared/data"
GOAL_RECALL, GOAL_WRONG, GOAL_SPEED = 0.99, 1 / 3, 3.0
_COUNTRIES_AND_STATES_STAY = "geography is an identifier below a state; only GPE that are neither are counted"
# Of the synthetic sentences: what Safe Harbor names; titles and nationalities stay by it.
SYNTHETIC = {
    "PERSON": "name", "STREET_ADDRESS": "address", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "US_SSN": "ssn",
    "CREDIT_CARD": "account", "IBAN_CODE": "account", "IP_ADDRESS": "ip", "DOMAIN_NAME": "url",
    "US_DRIVER_LICENSE": "licence", "ZIP_CODE": "place",
}  # fmt: skip
OTHER_LABELS = {"GPE", "ORGANIZATION", "DATE_TIME", "AGE", "NRP", "TITLE"}
Span = tuple[int, int]
Finder = Callable[[str, tuple[str, ...]], list[Span]]


@dataclass
class Tally:
    """What one detector did on one set of texts."""

    found: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    right: int = 0
    touched: int = 0
    terms: int = 0

    def add(self, spans: list[Span], case: Case, also: Iterable[Span] = ()) -> None:
        """Count one text. `also`: spans that are neither to be found nor wrong to touch."""
        for start, end, kind in case.identifiers:
            self.total[kind] += 1
            self.found[kind] += any(first <= start and end <= last for first, last in spans)
        gold = [(start, end) for start, end, _ in case.identifiers]
        for span in spans:
            if _touches(span, gold):
                self.right += 1
            elif not _touches(span, also):
                self.wrong += 1
        self.terms += len(case.stays)
        self.touched += sum(_touches(term, spans) for term in case.stays)

    @property
    def precision(self) -> float:
        """Share of the redactions that touch an identifier."""
        return self.right / max(1, self.right + self.wrong)


def _touches(span: Span, others: Iterable[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def rows(name: str) -> list[dict[str, Any]]:
    """Read a file of JSON lines, or say that it is missing."""
    path = DATA / name
    if not path.exists():
        print(f"{path.name} is missing: put the development data where DATA of this script points")
        raise SystemExit(2)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def presidio() -> Finder:
    """Presidio as it comes, with the same model; it may not fetch the public suffix list, so it reads its snapshot."""
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    configuration = {
        "nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": str(model_directory())}],
    }  # fmt: skip
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())

    def find(text: str, _names: tuple[str, ...]) -> list[Span]:
        return [(result.start, result.end) for result in engine.analyze(text=text, language="en")]

    return find


def own() -> Finder:
    """The detector of the product."""
    detector = ClinicalDetector()
    return lambda text, names: [(item.start, item.end) for item in detector.find(text, known_names=names)]


def synthetic() -> list[tuple[Case, list[Span]]]:
    """The synthetic sentences, with the spans that Safe Harbor does not ask for."""
    path = DATA / "deid/synth_dataset_v2.json"
    picked = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        spans = [(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]]
        gold = tuple((start, end, SYNTHETIC[kind]) for start, end, kind in spans if kind in SYNTHETIC)
        picked.append(
            (Case(row["full_text"], gold), [(start, end) for start, end, kind in spans if kind in OTHER_LABELS])
        )
    return picked


def encounters() -> list[tuple[str, tuple[str, ...], dict[str, str], dict[str, list[dict[str, Any]]]]]:
    """(id, known names, texts, mentions) of each encounter."""
    texts = {row["id"]: row for part in ("train", "valid") for row in rows(f"encounters/aci_bench_{part}.jsonl")}
    picked = []
    for gold in rows("deid/names_gold.jsonl"):
        names = (f"{gold['patient_firstname']} {gold['patient_familyname']}", gold["doctor_name"])
        row = texts[gold["id"]]
        picked.append(
            (
                gold["id"],
                names,
                {part: row[part] for part in ("dialogue", "note")},
                {part: gold[f"{part}_mentions"] for part in ("dialogue", "note")},
            )
        )
    return picked


def compare(title: str, tallies: dict[str, Tally]) -> None:
    """Print the tallies of one set side by side."""
    ours, theirs = tallies["ours"], tallies["presidio"]
    print(f"\n{title}\n  {'type':<18}{'count':>7}{'ours':>9}{'Presidio':>10}")
    for kind in sorted(ours.total):
        count = ours.total[kind]
        print(f"  {kind:<18}{count:>7}{ours.found[kind] / count:>9.3f}{theirs.found[kind] / count:>10.3f}")
    print(
        f"  wrong redactions: ours {ours.wrong}, Presidio {theirs.wrong}; precision"
        f" {ours.precision:.3f}, {theirs.precision:.3f}"
    )
    if ours.terms:
        print(f"  clinical terms touched, of {ours.terms}: ours {ours.touched}, Presidio {theirs.touched}")


def report_names(finders: dict[str, Finder]) -> dict[str, float]:
    """Print the recall of names per mention on the encounters; return ours by set."""
    figures: dict[str, float] = {}
    print(f"\nNames of the metadata in encounters\n  {'text':<34}{'count':>7}{'ours':>9}{'Presidio':>10}")
    for part in ("dialogue", "note"):
        for known in (False, True):
            total, whole = Counter[str](), Counter[str]()
            for _, names, texts, mentions in encounters():
                spans = {key: find(texts[part], names if known else ()) for key, find in finders.items()}
                for mention in mentions[part]:
                    kind = "patient" if mention["type"].startswith("PATIENT") else "doctor"
                    total[kind] += 1
                    for key in finders:
                        whole[key, kind] += any(
                            start <= mention["start"] and mention["end"] <= end for start, end in spans[key]
                        )
            for kind in sorted(total):
                label = f"{part}, {kind}{', names given' if known else ''}"
                ours = whole["ours", kind] / total[kind]
                figures[label] = ours
                print(f"  {label:<34}{total[kind]:>7}{ours:>9.3f}{whole['presidio', kind] / total[kind]:>10.3f}")
    return figures


def report_speed(finders: dict[str, Finder], rounds: int) -> float:
    """Print characters per second of both on the same texts, in turn; return the median ratio."""
    parts = [text for _, _, texts, _ in encounters()[:24] for text in texts.values()]
    parts += [case.text for group in templates("held_out").values() for case in group[:80]]
    size = sum(map(len, parts))
    speeds: dict[str, list[float]] = {key: [] for key in finders}
    for turn in range(rounds + 1):
        for key, find in finders.items():
            started_s = time.perf_counter()
            for text in parts:
                find(text, ())
            if turn:  # the first round warms up
                speeds[key].append(size / (time.perf_counter() - started_s))
    ratios = [ours / theirs for ours, theirs in zip(speeds["ours"], speeds["presidio"], strict=True)]
    print(
        f"\nSpeed on one core, {size:,} characters, {rounds} rounds in turn: ours"
        f" {statistics.median(speeds['ours']):,.0f},"
        f" Presidio {statistics.median(speeds['presidio']):,.0f} characters/s; ratios"
        f" {min(ratios):.1f} to {max(ratios):.1f}"
    )
    return statistics.median(ratios)


def plot(path: Path, sets: dict[str, dict[str, Tally]]) -> None:
    """Draw recall by type and wrong redactions of both into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    title, clinical = next(iter(sets.items()))
    kinds = sorted(clinical["ours"].total)
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6), width_ratios=[3, 1])
    for shift, key, colour in ((-0.2, "ours", "#1b6ca8"), (0.2, "presidio", "#c9a227")):
        tally = clinical[key]
        places = [place + shift for place in range(len(kinds))]
        left.barh(places, [tally.found[kind] / tally.total[kind] for kind in kinds], 0.4, label=key, color=colour)
        right.bar(
            [place + shift for place in range(len(sets))],
            [both[key].wrong for both in sets.values()],
            0.4,
            color=colour,
        )
    left.set_yticks(range(len(kinds)), [f"{kind} ({clinical['ours'].total[kind]})" for kind in kinds])
    left.axvline(GOAL_RECALL, color="grey", linestyle=":")
    left.set(xlabel=f"share hidden whole, {title}", xlim=(0, 1))
    left.legend(loc="lower left")
    right.set_xticks(range(len(sets)), [name.replace(" ", "\n") for name in sets])
    right.set_ylabel("wrong redactions")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"plot: {path}")


def main() -> int:
    """Print all figures; fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_set_options(parser)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the speed measurement")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw recall and wrong redactions")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"Python {platform.python_version()}; word lists {words().digest[:12]}; {_COUNTRIES_AND_STATES_STAY}")
    finders = {"ours": own(), "presidio": presidio()}
    title, groups = clinical_texts(options)
    sets: dict[str, dict[str, Tally]] = {title: {}, "synthetic sentences": {}}
    by_group: dict[str, dict[str, Tally]] = {name: {} for name in groups}
    sentences = synthetic()
    for key, find in finders.items():
        whole = sets[title][key] = Tally()
        for name, group in groups.items():
            tally = by_group[name][key] = Tally()
            for case in group:
                spans = find(case.text, ())
                tally.add(spans, case)
                whole.add(spans, case)
        tally = sets["synthetic sentences"][key] = Tally()
        for case, also in sentences:
            tally.add(find(case.text, ()), case, also)
    for name, both in by_group.items():
        compare(f"{title}: {name}", both)
    for name, both in sets.items():
        compare(name, both)
    names = report_names(finders)
    ratio = report_speed(finders, options.rounds)
    if options.plot:
        plot(options.plot, sets)
    ours, theirs = sets[title]["ours"], sets[title]["presidio"]
    worst = min(ours.found[kind] / ours.total[kind] for kind in ours.total)
    patients = min(value for label, value in names.items() if "patient" in label)
    wrong = ours.wrong / max(1, theirs.wrong)
    print(
        f"\nratio: {ratio:.2f} times Presidio's speed (goal: {GOAL_SPEED:g}); {wrong:.3f} of its wrong redactions"
        f" (goal: {GOAL_WRONG:.2f}); lowest recall of a type {worst:.3f}, of patients' names"
        f" in encounters {patients:.3f}"
        f" (goal: {GOAL_RECALL:g})"
    )
    return 0 if ratio >= GOAL_SPEED and wrong <= GOAL_WRONG and min(worst, patients) >= GOAL_RECALL else 1


if __name__ == "__main__":
    sys.exit(main())
