"""E/M support on written cases and visits, and a whole `appliancectl coding validate` with its time and memory.

The practice is CodiEsp's development set. Two suggesters are judged: the longest match of a dictionary of titles, as a
file; and the box's own, whose ranker learned from the same set: its figures here are no measure of it (bench/coding has
that, in cross-validation); they show what the command does and what it costs.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from coded.dictionary import Dictionary
from coded.records import Record, read_file

from appliance.coding.em import support
from appliance.coding.tables.builtin import built_in_table

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "data" / "em" / "cases.json"
_MEASURED = """
import json, os, resource, sys
code = os.spawnv(os.P_WAIT, sys.argv[2], sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump([code, used.ru_utime + used.ru_stime, used.ru_maxrss], open(sys.argv[1], "w"))
"""
DAY = datetime.date(2026, 5, 1)


def main() -> int:
    """Run the bench and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data sets")
    parser.add_argument("--records", type=int, default=250, help="that many records of the practice")
    options = parser.parse_args()
    if not (options.data / "coding" / "codiesp_dev.jsonl").is_file():
        print(f"{options.data}: no data sets; name their folder with --data", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, Python {platform.python_version()}")
    cases()
    visits(options.data / "encounters")
    records = read_file(options.data / "coding" / "codiesp_dev.jsonl")[: options.records]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        practice(records, folder / "practice.csv")
        dictionary(records, folder / "said.jsonl")
        run("dictionary, from a file", folder, "--suggestions", str(folder / "said.jsonl"))
        run("the box's own suggester", folder, "--state", str(folder / "state"))
        run("the same, gone on from its answers", folder, "--state", str(folder / "state"))
    return 0


def cases() -> None:
    """Levels on the cases written from the published rules."""
    held = json.loads(CASES.read_text("utf-8"))
    right = 0
    for case in held:
        day = datetime.date.fromisoformat(case["on"])
        found = support(case["note"], visit=case["visit"], on=day, claimed=case["claimed"])
        right += found.supported == case["expect"]["supported"]
    print(f"E/M cases: {right} of {len(held)} levels as the rules give them")


def visits(folder: Path) -> None:
    """Levels of visits nobody coded: how they spread, how long one takes."""
    notes = [
        json.loads(line)["note"]
        for name in ("aci_bench_train.jsonl", "aci_bench_valid.jsonl")
        for line in (folder / name).read_text("utf-8").splitlines()
    ]
    support(notes[0], visit="established-office", on=DAY)
    begun = time.process_time()
    levels = Counter(support(note, visit="established-office", on=DAY).supported or "none" for note in notes)
    seconds = (time.process_time() - begun) / len(notes)
    spread = ", ".join(f"{level} {count}" for level, count in sorted(levels.items()))
    print(f"E/M visits: {len(notes)} notes without a coded level: {spread}; {1000 * seconds:.1f} ms of one core a note")


def practice(records: list[Record], file: Path) -> None:
    """The set as a practice would export it."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "date_of_service", "codes", "text"))
        writer.writerows((one.id, DAY.isoformat(), " ".join(one.codes), one.text) for one in records)


def dictionary(records: list[Record], file: Path) -> None:
    """The answers of the dictionary; it has no confidence of its own, so all have the same."""
    made = Dictionary(built_in_table().entries())
    with file.open("w", encoding="utf-8") as stream:
        for one in records:
            given = [{"code": code, "confidence": 0.5} for code in sorted(made.codes(one.text))]
            stream.write(json.dumps({"id": one.id, "suggestions": given}) + "\n")


def run(name: str, folder: Path, *arguments: str) -> None:
    """One run of the command in a process of its own: what it says, its time, its memory."""
    out = folder / name.replace(" ", "-").replace("'", "")
    command = [
        sys.executable,
        "-m",
        "appliance.ctl",
        "coding",
        "validate",
        str(folder / "practice.csv"),
        "--out",
        str(out),
    ]
    begun = time.monotonic()
    # A small process between: a child's peak of memory counts that of the process it was made from.
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(folder / "used"), *command, *arguments],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    wall_s = time.monotonic() - begun
    failed, core_s, peak_kib = json.loads((folder / "used").read_text("utf-8"))
    lines = done.stderr.splitlines()[-2:] if failed else done.stdout.splitlines()[:-3]
    print(
        f"\n{name}: exit code {failed}; {wall_s:.1f} s, {core_s:.1f} s of one core, {peak_kib / 1024:.0f} MiB at most"
    )
    print("\n".join(f"  {line}" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
