"""The report as files: a page to print and file, its data, the misses. All or none of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# spaCy brings it to the box; it renders and escapes the page.
import jinja2

from appliance.coding.edits_finding import RULES
from appliance.coding.validation.compare import Tally
from appliance.coding.validation.result import ValidationReport
from appliance.coding.validation.run import misses_csv
from appliance.coding.validation.statistics import Interval, wilson
from appliance.errors import ApplianceError

FILES = ("coding-validation.html", "coding-validation.json", "misses.csv")
_WEIGHT = {"error": "would be refused", "warning": "to be looked at"}
_LEVELS = {"code": "Full code", "category": "Category (3 characters)", "chapter": "Chapter"}


def page(report: ValidationReport) -> str:
    """The page: self-contained, without scripts, for A4."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(Path(__file__).with_name("page.html").read_text("utf-8"))
    return template.render(
        r=report, code=report.agreement[0], levels=_LEVELS, share=_share, interval=_interval, number=_number,
        rules=RULES, weight=_WEIGHT, of=lambda hits, count: _interval(wilson(hits, count)),
        x=lambda value: round(40 + 240 * value, 1), y=lambda value: round(190 - 180 * value, 1),
    )  # fmt: skip


def _share(value: Interval) -> str:
    return "none (nothing to count)" if value.value is None else f"{value.value:.1%}"


def _interval(value: Interval) -> str:
    if value.value is None or value.low is None or value.high is None:
        return "–"
    return f"{value.value:.1%} ({value.low:.1%} to {value.high:.1%})"


def _number(value: Interval) -> str:
    if value.value is None:
        return "–"
    if value.low is None or value.high is None:
        return f"{value.value:.3f}"
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def write_report(report: ValidationReport, tally: Tally, folder: Path) -> None:
    """Write the three files into a new folder, for its owner only.

    Raises:
        ApplianceError: The folder is there already, or cannot be made.
    """
    contents = (page(report), report.model_dump_json(indent=2) + "\n", misses_csv(tally))
    if folder.exists():
        raise ApplianceError(f"{folder}: is there already", hint="name a new folder; no report is overwritten")
    staged = None
    try:
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, content in zip(FILES, contents, strict=True):
            descriptor = os.open(staged / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        staged.rename(folder)
    except OSError as error:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
        raise ApplianceError(f"{folder}: {error.strerror}", hint="name a folder that can be made") from None
