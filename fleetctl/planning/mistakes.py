"""What is wrong with a file of measurements although each of its keys is well formed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from fleetctl.nearest import nearest_or_all

if TYPE_CHECKING:
    from fleetctl.planning.figures import FiguresSpec, MeasurementsSpec

# Beside its throughput, what a pair of GPU and model needs.
PACES = ("token_interval_ms", "prefill_tokens_per_s")

KeyPath = tuple[str | int, ...]


class Problem(NamedTuple):
    """What is wrong at one key of a file."""

    path: KeyPath
    words: str


def mistakes(figures: FiguresSpec, site: MeasurementsSpec, gpus: Collection[str]) -> list[Problem]:
    """Everything that is wrong; `gpus` are those that anything else names."""
    models = [model.name for model in figures.models]
    return [*_contradictions(site), *_strangers(site, gpus, models)] or [*_unpaced(figures, site)]


def _contradictions(site: MeasurementsSpec) -> Iterator[Problem]:
    """Keys of a file of which one would silently win over the other."""
    demand = {name for name, value in site.demand if value is not None}
    for whole, parts in (
        ("visit_lengths_minutes", ("visit_minutes", "visit_variation")),
        ("hourly_encounters", ("opening_hour", "closing_hour", "peak_factor")),
    ):
        if getattr(site, whole) is None:
            continue
        for part in parts:
            if part in demand:
                words = f"contradicts spec.{whole}, which says the same more exactly; remove one of both"
                yield Problem(("spec", "demand", part), words)
    names = [(("spec", "gpus", at, "name"), gpu.name) for at, gpu in enumerate(site.gpus)]
    pairs = [(("spec", "serving", at, "gpu"), f"{own.model} on {own.gpu}") for at, own in enumerate(site.serving)]
    for listed in (names, pairs):
        seen = set()
        for path, name in listed:
            if name in seen:
                yield Problem(path, f"{name} stands twice")
            seen.add(name)


def _strangers(site: MeasurementsSpec, gpus: Collection[str], models: Collection[str]) -> Iterator[Problem]:
    """GPUs and models that nothing else names: their measurements would count for nothing."""
    for at, gpu in enumerate(site.gpus):
        if gpu.name not in gpus:
            yield Problem(("spec", "gpus", at, "name"), _unknown(gpu.name, "GPU", "of a profile or", gpus))
    for at, own in enumerate(site.serving):
        if own.gpu not in gpus:
            yield Problem(("spec", "serving", at, "gpu"), _unknown(own.gpu, "GPU", "of a profile or", gpus))
        if own.model not in models:
            yield Problem(("spec", "serving", at, "model"), _unknown(own.model, "model", "of", models))


def _unpaced(figures: FiguresSpec, site: MeasurementsSpec) -> Iterator[Problem]:
    """Pairs of GPU and model with neither a built-in pace nor one of their own."""
    for at, own in enumerate(site.serving):
        for name in PACES:
            if getattr(own, name) is None and figures.serving_of(own.gpu, own.model) is None:
                words = f"missing, and there is none for {own.model} on {own.gpu}: measure it, or leave this entry out"
                yield Problem(("spec", "serving", at, name), words)


def _unknown(seen: str, what: str, of: str, known: Collection[str]) -> str:
    return f"{seen} is no {what} {of} the planner; {nearest_or_all(seen, sorted(known), 'known')}"
