"""The sets of clinical texts that options of the benchmark choose from; without one, our held-out templates."""

from __future__ import annotations

import argparse

from deidcases import third
from deidcases.cases import Case, cases
from deidcases.second import HALVES, second_cases

ROUNDS = 20
SEED = 20_261


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """Add the options, of which one may be given."""
    texts = parser.add_mutually_exclusive_group()
    texts.add_argument("--tune", action="store_true", help="our templates: the part that rules may be changed for")
    texts.add_argument(
        "--second", nargs="?", const="ab", choices=("ab", *HALVES), help="the second unseen set, or one half of it"
    )
    texts.add_argument(
        "--third", nargs="?", const="both", choices=("both", *third.HALVES),
        help="the third set, of an independent author, or one half of it; both are seen now",
    )  # fmt: skip


def templates(part: str) -> dict[str, list[Case]]:
    """Our own clinical texts, by group."""
    return cases(part, rounds=ROUNDS, seed=SEED)


def clinical_texts(options: argparse.Namespace) -> tuple[str, dict[str, list[Case]]]:
    """Title and cases by group of the set that the options name."""
    if options.third:
        chosen = options.third if options.third in third.HALVES else None
        title = "third set of clinical texts" + (f", {chosen} half" if chosen else "")
        return title, third.third_cases(chosen, rounds=ROUNDS, seed=SEED)
    if options.second:
        half = f", half {options.second}" if options.second in HALVES else ""
        return f"second unseen clinical texts{half}", second_cases(options.second, rounds=ROUNDS, seed=SEED)
    part, name = ("development", "development") if options.tune else ("held_out", "held-out")
    return f"{name} clinical texts", templates(part)
