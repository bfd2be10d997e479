"""Grounding against a lexical-overlap baseline: errors caught by class, sentences falsely flagged, time taken.

Human notes (MTS-Dialog, ACI-Bench) are held against their dialogues: a flagged sentence counts as falsely flagged,
although notes also hold what a dialogue does not say. Then one error of a class is put into each sentence that has a
place for it. The baseline flags a sentence whose share of words found in the dialogue is below a threshold, set so that
it flags as many human sentences. Rules and tables were tuned on the odd rows of MTS-Dialog and the training rows of
ACI-Bench; the even rows and ACI-Bench's validation rows are reported. Of real drafts the first 16 were seen while rules
were made and the tuning drafts are over odd and training rows; the others are held out.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import resource
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from seeded import drafts
from seeded.errors import SEEDS, Case, as_source, cases

from appliance.clinical.document import Grounding
from appliance.clinical.source import Source
from appliance.grounding import TABLES, Grounder

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared/data/encounters"
DRAFTS = ROOT / "tests/data/grounding/drafts.jsonl"
TUNING = ROOT / "tests/data/grounding/tuning_drafts.jsonl"
OPENED = ROOT / "tests/data/grounding/opened_drafts.jsonl"
# How many rows of each part of MTS-Dialog new drafts are made over.
PARTS = {
    "GENHX": 8, "FAM/SOCHX": 4, "PASTMEDICALHX": 3, "ROS": 2, "CC": 2, "MEDICATIONS": 1, "EXAM": 2, "PASTSURGICAL": 1,
    "PLAN": 1, "DIAGNOSIS": 1,
}  # fmt: skip
HELD_OUT = ROOT / "tests/data/grounding/held_out_drafts.jsonl"
GOAL_RATIO = 1.0  # at least as many errors caught as the baseline catches, at the same share of flagged human sentences
GOAL_MS = 20.0


def rows(name: str) -> list[dict[str, str]]:
    """Read a data file, or say that it is missing."""
    path = DATA / name
    if not path.exists():
        print(f"{path.name} is missing: put the development encounters where DATA of this script points")
        raise SystemExit(2)
    return [json.loads(line) for line in path.read_text().splitlines()]


def mts(parity: int) -> list[Case]:
    """The rows of MTS-Dialog with even or odd numbers."""
    picked = (row for row in rows("mts_dialog_train.jsonl") if int(row["id"]) % 2 == parity)
    return cases((row["id"], row["section_text"], row["dialogue"]) for row in picked)


def aci(part: str, count: int) -> list[Case]:
    """Rows of ACI-Bench; headings are no statements."""
    picked = rows(f"aci_bench_{part}.jsonl")[:count]
    kept = (
        (row["id"], "\n".join(line for line in row["note"].splitlines() if not line.isupper()), row["dialogue"])
        for row in picked
    )
    return cases(kept)


def overlap(text: str, words: set[str]) -> float:
    """Share of a sentence's words that the dialogue has: ROUGE-1 recall of the sentence, without the little words."""
    own = [word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2 or word.isdigit()]
    return sum(word in words for word in own) / len(own) if own else 0.0


@dataclass
class Result:
    """What was measured over a set of cases."""

    human: list[tuple[Grounding, float]]
    seeded: list[tuple[str, Grounding, float, bool]]
    seconds: list[float]


def measure(chosen: list[Case]) -> Result:
    """Check every sentence with and without its errors, by both methods."""
    result = Result([], [], [])
    dialogue, grounder, words = "", Grounder([]), set[str]()
    for case in chosen:
        if case.dialogue != dialogue:
            dialogue, grounder = case.dialogue, Grounder([as_source(case.dialogue)])
            words = set(re.findall(r"[a-z0-9]+", dialogue.lower()))
        started_s = time.perf_counter()
        clean = grounder.check(case.text)
        result.seconds.append(time.perf_counter() - started_s)
        result.human.append((clean, overlap(case.text, words)))
        for name, text in case.seeds:
            result.seeded.append((name, grounder.check(text), overlap(text, words), not clean.findings))
    return result


EXPECTED = {
    "invented": {"unsupported", "drug", "number", "date", "demographic", "negation"}, "dose": {"dose", "number"},
    "number": {"number", "dose", "date", "demographic"}, "date": {"date", "number"},
}  # fmt: skip


def report(title: str, result: Result) -> float:
    """Print the figures of a set; return caught by us over caught by the baseline."""
    flagged = [grounding for grounding, _ in result.human if grounding.findings]
    share = len(flagged) / len(result.human)
    scores = sorted(score for _, score in result.human)
    threshold = scores[min(len(flagged), len(scores) - 1)]
    kinds = Counter(kind for grounding in flagged for kind in {finding.kind.value for finding in grounding.findings})
    print(
        f"\n{title}: {len(result.human)} sentences, {len(flagged)} flagged ({share:.1%});"
        f" overlap threshold {threshold:.2f}"
    )
    print(
        "  flagged for: " + ", ".join(f"{kind} {count / len(result.human):.1%}" for kind, count in kinds.most_common())
    )
    print(
        "  class         seeded  flagged  baseline | in sentences that were supported: n  caught  right kind  precision"
    )
    for name in SEEDS:
        own = [seed for seed in result.seeded if seed[0] == name]
        if not own:
            continue
        caught = sum(bool(grounding.findings) for _, grounding, _, _ in own) / len(own)
        base = sum(score < threshold for _, _, score, _ in own) / len(own)
        fair = [grounding for _, grounding, _, was_clean in own if was_clean]
        wanted = EXPECTED.get(name, {name})
        hit = sum(bool(grounding.findings) for grounding in fair)
        right = sum(any(finding.kind.value in wanted for finding in grounding.findings) for grounding in fair)
        wrong = sum(any(finding.kind.value in wanted for finding in grounding.findings) for grounding in flagged)
        print(
            f"  {name:<12} {len(own):>7} {caught:>8.1%} {base:>9.1%} | {len(fair):>33} {hit / max(1, len(fair)):>7.1%}"
            f" {right / max(1, len(fair)):>11.1%} {right / max(1, right + wrong):>10.1%}"
        )
    ours = sum(bool(grounding.findings) for _, grounding, _, _ in result.seeded)
    base = sum(score < threshold for _, _, score, _ in result.seeded)
    print(f"  all errors: {ours} of {len(result.seeded)} flagged, baseline {base}; ratio {ours / max(1, base):.2f}")
    return ours / max(1, base)


def report_drafts(path: Path, seen: str) -> None:
    """Print what was found in drafts of a small real model, whose invented statements a person marked."""
    drafts = [json.loads(line) for line in path.read_text().splitlines()]
    own: list[tuple[bool, bool, float]] = []
    for draft in drafts:
        grounder = Grounder([as_source(draft["dialogue"])])
        words = set(re.findall(r"[a-z0-9]+", draft["dialogue"].lower()))
        own += [
            (entry["invented"], bool(grounder.check(entry["text"]).findings), overlap(entry["text"], words))
            for entry in draft["statements"]
        ]
    marked, plain = sum(entry[0] for entry in own), sum(not entry[0] for entry in own)
    caught, false = sum(i and f for i, f, _ in own), sum(f and not i for i, f, _ in own)
    scores = sorted(score for invented, _, score in own if not invented)
    threshold = scores[min(false, len(scores) - 1)]
    base = sum(i and score < threshold for i, _, score in own)
    print(f"\n{len(drafts)} drafts of Qwen2.5-Coder-1.5B-Instruct Q4_K_M, marked by one reader, the author; {seen}:")
    print(
        f"  {marked} invented or wrong of {len(own)} statements: {caught} flagged, baseline {base}, ratio"
        f" {caught / max(1, base):.2f}; of the other {plain}: {false} flagged"
    )


def make_drafts(weights: Path, target: Path, tuning: bool) -> None:
    """Write unmarked drafts over rows without marked ones: odd rows for tuning, else rows that no rule was made from.

    Every other row is drafted as the product does, by its visit note.
    """
    seen = {
        json.loads(line)["id"]
        for path in (DRAFTS, TUNING, OPENED, HELD_OUT)
        if path.exists()
        for line in path.read_text().splitlines()
    }
    by_part: dict[str, list[dict[str, str]]] = {}
    for row in rows("mts_dialog_train.jsonl"):
        if int(row["id"]) % 2 == int(tuning) and row["id"] not in seen and 450 <= len(row["dialogue"]) <= 1100:
            by_part.setdefault(row["section_header"], []).append(row)
    picked = [
        row
        for part, count in PARTS.items()
        for row in by_part.get(part, [])[2 :: max(1, len(by_part.get(part, [])) // count)][:count]
    ]
    picked.sort(key=lambda row: int(row["id"]) * 7919 % 1009)  # mixed: a run that is ended early has some of each part
    longer = rows("aci_bench_train.jsonl") if tuning else rows("aci_bench_valid.jsonl")[10:]
    longer = sorted((row for row in longer if row["id"] not in seen), key=lambda row: len(row["dialogue"]))[1:4]
    notes = frozenset(row["id"] for row in (*picked[::2], *longer[::2]))
    drafts.make(
        weights, [*picked[:6], *longer[:1], *picked[6:12], *longer[1:2], *picked[12:], *longer[2:]], notes, target
    )


def report_speed() -> float:
    """Print the time of a check against 30 minutes of speech, and of indexing two million characters; return p99 ms."""
    visits = [row["dialogue"] for row in rows("aci_bench_train.jsonl")]
    texts = [case.text for case in aci("train", 6)]
    visit = "\n".join(visits[:6])[: 30 * 150 * 6]  # 150 words a minute of six characters
    started_s = time.perf_counter()
    grounder = Grounder([as_source(visit)])
    built_s = time.perf_counter() - started_s
    times = []
    for text in texts:
        started_s = time.perf_counter()
        grounder.check(text)
        times.append((time.perf_counter() - started_s) * 1000)
    longer = as_source(visit + "\n[patient] no i have not had any fever")
    started_s = time.perf_counter()
    grounder.extend(longer)
    grown_ms = (time.perf_counter() - started_s) * 1000
    p99 = statistics.quantiles(times, n=100)[98]
    print(
        f"\n{len(visit):,} characters (30 min): indexed in {built_s * 1000:.0f} ms, a turn more in"
        f" {grown_ms:.1f} ms; a statement {statistics.median(times):.2f} ms, p99 {p99:.2f} ms"
        f" (goal: {GOAL_MS:g})"
    )
    record = ("\n".join(visits) * 10)[:2_000_000]
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started_s = time.perf_counter()
    large = Grounder([Source(id="record", kind="record", text=record)])
    built_s = time.perf_counter() - started_s
    grown_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mib
    started_s = time.perf_counter()
    for text in texts[:50]:
        large.check(text)
    print(
        f"{len(record):,} characters: indexed in {built_s:.1f} s, {grown_mib:.0f} MiB more;"
        f" a statement {(time.perf_counter() - started_s) * 20:.1f} ms"
    )
    return p99


def main() -> int:
    """Print all figures; fail when the baseline is better or a check too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true", help="measure on the odd rows, which rules may be changed for")
    parser.add_argument("--all", action="store_true", help="every row of ACI-Bench's validation part")
    parser.add_argument(
        "--make-drafts", nargs=2, metavar=("FOLDER", "OUT"), help="write unmarked drafts with FOLDER/model.gguf and end"
    )
    options = parser.parse_args()
    if options.make_drafts:
        make_drafts(Path(options.make_drafts[0]), Path(options.make_drafts[1]), options.tune)
        return 0
    print(
        f"Python {platform.python_version()}; tables " + ", ".join(f"{name} {digest[:12]}" for name, digest in TABLES)
    )
    ratio = report("MTS-Dialog, odd rows" if options.tune else "MTS-Dialog, even rows", measure(mts(int(options.tune))))
    ratio = min(
        ratio,
        report("ACI-Bench", measure(aci("train", 67) if options.tune else aci("valid", 20 if options.all else 10))),
    )
    report_drafts(DRAFTS, "seen while rules were made")
    report_drafts(TUNING, "rules and thresholds were tuned on them")
    report_drafts(OPENED, "held out once, then opened: the last rules were made from them")
    if not options.tune:
        report_drafts(HELD_OUT, "held out: marked before any rule saw them, four of them visit notes of the product")
    p99_ms = report_speed()
    print(
        f"\nratio: {ratio:.2f} errors flagged for one of the baseline's, the"
        f" worse of the two sets (goal: above {GOAL_RATIO:g})"
    )
    return 0 if ratio > GOAL_RATIO and p99_ms < GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
