"""Draws plans as PNG or SVG (matplotlib, the extra `plot`). Every series is named where it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fleetctl.errors import ChangeError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fleetctl.planning.answer import Roi
    from fleetctl.planning.sizing import Sizing

FORMATS = (".png", ".svg")
DPI = 144
INK, MUTED, GRID = "#1b1f24", "#5b6570", "#dfe3e8"
# Told apart by lightness too, so that they survive a grey printer.
BLUE, ORANGE, GREEN, RED = "#1f5fa8", "#f0a35e", "#2f7d5b", "#b3261e"
DARK_ORANGE = "#a35a12"  # text: the light one is hard to read
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind text that lies on lines
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "fleetctl",  # the same plan gives the same file
}


def save_sizing(sizing: Sizing, path: Path) -> None:
    """Load against capacity, waiting times, and cost against cloud, one below the other.

    `sizing.best` has stages: without, there is nothing to draw. `check_plot` has seen `path`. Raises `ChangeError` when
    the file cannot be written.
    """
    from fleetctl.report.plots_sizing import draw_sizing

    _save(path, lambda: draw_sizing(sizing))


def save_roi(roi: Roi, path: Path) -> None:
    """Money over the years and the tornado of one case. Raises as `save_sizing` does."""
    from fleetctl.report.plots_roi import draw_roi

    _save(path, lambda: draw_roi(roi))


def check_plot(path: Path) -> None:
    """Before anything is computed. Raises `UsageError` for another ending than .png or .svg, or without matplotlib."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--plot {path}: the ending is not .png or .svg", hint="for example: --plot load.png")
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError:
        raise UsageError(
            "--plot needs matplotlib, which is not installed", hint="pip install 'fleetctl[plot]' (the extra `plot`)"
        ) from None


def _save(path: Path, draw: Callable[[], Figure]) -> None:
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = draw()
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        try:
            figure.savefig(path, dpi=DPI, facecolor="white", metadata=metadata)
        except OSError as error:
            raise ChangeError(f"{path}: cannot be written: {error.strerror}", hint="check the folder") from None


def titled(axes: Axes, title: str, below: str) -> None:
    """A panel's title, and in one line under it what is drawn."""
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", pad=26)
    axes.text(0, 1.03, below, transform=axes.transAxes, fontsize=9.5, color=MUTED, va="bottom")


def plain_grid(axes: Axes, axis: Literal["x", "y"] = "y") -> None:
    """Faint lines behind the data."""
    axes.set_axisbelow(True)
    axes.grid(axis=axis, color=GRID, linewidth=0.8)
    axes.tick_params(length=0)


def label_right(axes: Axes, x: float, labels: list[tuple[float, str, str]], gap: float) -> None:
    """Names at the right of what they name: (y, text, colour), pushed apart to at least `gap` (in y units)."""
    last = float("-inf")
    for y, text, colour in sorted(labels):
        at = max(y, last + gap)
        axes.annotate(
            text,
            xy=(x, y),
            xytext=(x + 0.02 * (axes.get_xlim()[1] - axes.get_xlim()[0]), at),
            color=colour,
            fontsize=9.5,
            va="center",
            annotation_clip=False,
        )
        last = at
