"""The sets of clinical texts that options of the benchmark choose from; without one, our held-out templates."""

from __future__ import annotations

import argparse

from deidcases import halved
from deidcases.cases import Case, cases
from deidcases.fourth import FOURTH
from deidcases.second import HALVES, second_cases
from deidcases.sixth import SIXTH
from deidcases.third import THIRD

FILLS = 20
SEED = 20_261
HALVED = (THIRD, FOURTH, SIXTH)


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """Add the options, of which one may name a set."""
    texts = parser.add_mutually_exclusive_group()
    texts.add_argument("--tune", action="store_true", help="our templates: the part that rules may be changed for")
    texts.add_argument(
        "--second", nargs="?", const="ab", choices=("ab", *HALVES), help="the second unseen set, or one half of it"
    )
    for written in HALVED:
        texts.add_argument(
            f"--{written.name}", nargs="?", const="both", choices=("both", *halved.HALVES),
            help=f"the {written.name} set, of an independent author, or one half of it; deidcases/{written.name}.py"
            " says what of it may be read",
        )  # fmt: skip
    parser.add_argument("--fills", type=int, default=FILLS, help="how often each clinical text is filled (%(default)s)")


def templates(part: str, fills: int = FILLS) -> dict[str, list[Case]]:
    """Our own clinical texts, by group."""
    return cases(part, rounds=fills, seed=SEED)


def clinical_texts(options: argparse.Namespace) -> tuple[str, dict[str, list[Case]]]:
    """Title and cases by group of the set that the options name."""
    for written in HALVED:
        if given := getattr(options, written.name):
            half = None if given == "both" else given
            title = f"{written.name} set of clinical texts" + (f", {half} half" if half else "")
            return title, written.cases(half, rounds=options.fills, seed=SEED)
    if options.second:
        half = f", half {options.second}" if options.second in HALVES else ""
        return f"second unseen clinical texts{half}", second_cases(options.second, rounds=options.fills, seed=SEED)
    part, name = ("development", "development") if options.tune else ("held_out", "held-out")
    return f"{name} clinical texts", templates(part, options.fills)
