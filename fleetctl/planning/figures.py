"""The figures that a plan rests on, each with its source: the built-in file, and what a site measured itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from fleetctl.errors import ConfigError
from fleetctl.models.base import ModelName, Resource, StrictModel
from fleetctl.models.load import MAX_PROBLEMS, dotted, load, locate, read, validate
from fleetctl.planning import bounds
from fleetctl.planning.mistakes import PACES, KeyPath, mistakes

Basis = Literal["measured", "derived", "assumed", "given"]
Text = Annotated[str, Field(min_length=1, max_length=300)]
TokenCount = Annotated[int, bounds.TOKENS.interval]
HOURS = 24

BUILT_IN = Path(__file__).parent / "data" / "figures.yaml"


class Figure(StrictModel):
    """One number, and why it can be believed."""

    value: FiniteFloat
    low: FiniteFloat | None = Field(
        default=None, description="Low end of what is plausible; for people and sensitivity."
    )
    high: FiniteFloat | None = Field(default=None, description="High end of what is plausible.")
    basis: Basis = Field(description="measured, derived by arithmetic, assumed, or given on the command line.")
    source: Text = Field(description="Where it comes from.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = (self.value if end is None else end for end in (self.low, self.high))
        if not low <= self.value <= high:
            raise ValueError(f"value {self.value:g} does not lie between low {low:g} and high {high:g}")
        return self


class Demand(StrictModel):
    """What a site asks of its hosts on a working day."""

    encounters_per_provider: Annotated[Figure, bounds.ENCOUNTERS_PER_PROVIDER.figure] = Field(
        description="Visits of one provider on a working day."
    )
    visit_minutes: Annotated[Figure, bounds.VISIT_MINUTES.figure] = Field(
        description="Mean length of a visit's recording, in minutes."
    )
    visit_variation: Annotated[Figure, bounds.VISIT_VARIATION.figure] = Field(
        description="Standard deviation of the length over its mean."
    )
    input_tokens: Annotated[Figure, bounds.TOKENS.figure] = Field(
        description="Tokens that drafting reads for one encounter."
    )
    output_tokens: Annotated[Figure, bounds.TOKENS.figure] = Field(
        description="Tokens that drafting writes for one encounter."
    )
    coding_records_per_provider: Annotated[Figure, bounds.CODING_RECORDS_PER_PROVIDER.figure] = Field(
        description="Records coded for one provider on a working day."
    )
    coding_input_tokens: Annotated[Figure, bounds.TOKENS.figure] = Field(
        description="Tokens that coding reads for one record."
    )
    coding_output_tokens: Annotated[Figure, bounds.TOKENS.figure] = Field(
        description="Tokens that coding writes for one record."
    )
    opening_hour: Annotated[Figure, bounds.OPENING_HOUR.figure] = Field(
        description="First hour of the day with visits, 0 to 23."
    )
    closing_hour: Annotated[Figure, bounds.CLOSING_HOUR.figure] = Field(
        description="Hour at which visits end, 1 to 24."
    )
    peak_factor: Annotated[Figure, bounds.PEAK_FACTOR.figure] = Field(
        description="Visits of the busiest hour over those of the mean hour."
    )
    growth_percent: Annotated[Figure, bounds.GROWTH_PERCENT.figure] = Field(
        description="Growth of the load a year, in percent."
    )
    horizon_years: Annotated[Figure, bounds.GROWTH_YEARS.figure] = Field(
        description="Years over which growth compounds."
    )


class Targets(StrictModel):
    """What counts as keeping up: the load of the busiest hour, and 95 of 100 jobs of the worst hour start in time."""

    busiest_hour_load: Annotated[Figure, bounds.BUSIEST_HOUR_LOAD.figure] = Field(
        description="GPU time wanted over GPU time there is, at most; below 1."
    )
    transcription_wait_s: Annotated[Figure, bounds.WAIT_S.figure]
    drafting_wait_s: Annotated[Figure, bounds.WAIT_S.figure]
    coding_wait_s: Annotated[Figure, bounds.WAIT_S.figure]
    first_token_ms: Annotated[Figure, bounds.FIRST_TOKEN_MS.figure] = Field(
        description="Shown beside the time to the first token; decides nothing."
    )
    coding_record_s: Annotated[Figure, bounds.CODING_RECORD_S.figure] = Field(
        description="Shown beside the time to code a record; decides nothing."
    )


class Engine(StrictModel):
    """Memory on a GPU beside a model's weights and KV cache. GB are 10^9 bytes."""

    transcription_memory_gb: Annotated[Figure, bounds.MEMORY_GB.figure] = Field(
        description="The transcription model with its working memory."
    )
    working_memory_gb: Annotated[Figure, bounds.MEMORY_GB.figure] = Field(
        description="Working memory of the drafting engine."
    )
    memory_share: Annotated[Figure, bounds.SHARE.figure] = Field(
        description="Share of a GPU's memory that may be used."
    )


class DraftingModel(StrictModel):
    """A language model that drafts and codes."""

    name: ModelName
    title: Text
    tensor_parallel: int = Field(ge=1, le=64, description="GPUs of one host that hold one copy together.")
    weights_gb: Annotated[Figure, bounds.WEIGHTS_GB.figure] = Field(description="All weights, in 10^9 bytes.")
    kv_kib_per_token: Annotated[Figure, bounds.KV_KIB_PER_TOKEN.figure] = Field(
        description="KV cache of one token over all layers, in KiB."
    )


class GpuFigures(StrictModel):
    """What one GPU transcribes."""

    name: Text = Field(description="Product name as NVML reports it.")
    transcription_speed: Annotated[Figure, bounds.TRANSCRIPTION_SPEED.figure] = Field(
        description="Seconds of audio transcribed in one second (large-v3)."
    )


class ThroughputPoint(StrictModel):
    """One measurement of a language model under full load."""

    input_tokens: TokenCount
    output_tokens: TokenCount
    output_tokens_per_s: Annotated[float, bounds.TOKENS_PER_S.interval]


class Throughput(StrictModel):
    """Measurements of one source."""

    source: Text
    basis: Basis
    points: list[ThroughputPoint] = Field(min_length=1)


class Serving(StrictModel):
    """How fast one GPU model (or `tensor_parallel` of them together) serves one language model."""

    gpu: Text
    model: ModelName
    derate: Annotated[Figure, bounds.SHARE.figure] = Field(description="Share of the throughput that is counted on.")
    token_interval_ms: Annotated[Figure, bounds.TOKEN_INTERVAL_MS.figure] = Field(
        description="Time between two tokens of one draft under load."
    )
    prefill_tokens_per_s: Annotated[Figure, bounds.TOKENS_PER_S.figure] = Field(
        description="Tokens of one prompt that are read in a second, nothing cached."
    )
    throughput: Throughput


class FiguresSpec(StrictModel):
    """All figures of a plan."""

    demand: Demand
    targets: Targets
    engine: Engine
    models: list[DraftingModel]
    gpus: list[GpuFigures]
    serving: list[Serving]
    hourly_encounters: list[float] | None = Field(default=None, description="Visits of each hour of the day, measured.")
    visit_lengths_minutes: list[float] | None = Field(default=None, description="Recorded lengths, drawn from as is.")
    site_source: Text | None = Field(default=None, description="What the site's own measurements name as their source.")

    def drafting_model(self, name: str) -> DraftingModel | None:
        return next((model for model in self.models if model.name == name), None)

    def gpu(self, name: str) -> GpuFigures | None:
        return next((gpu for gpu in self.gpus if gpu.name == name), None)

    def serving_of(self, gpu: str, model: str) -> Serving | None:
        return next((record for record in self.serving if (record.gpu, record.model) == (gpu, model)), None)


class PlanningFigures(Resource):
    """The file of built-in figures."""

    kind: Literal["PlanningFigures"]
    spec: FiguresSpec


class MeasuredDemand(StrictModel):
    """The fields of `Demand` that a site measured, as plain numbers in the same units."""

    encounters_per_provider: Annotated[float, bounds.ENCOUNTERS_PER_PROVIDER.interval] | None = None
    visit_minutes: Annotated[float, bounds.VISIT_MINUTES.interval] | None = None
    visit_variation: Annotated[float, bounds.VISIT_VARIATION.interval] | None = None
    input_tokens: TokenCount | None = None
    output_tokens: TokenCount | None = None
    coding_records_per_provider: Annotated[float, bounds.CODING_RECORDS_PER_PROVIDER.interval] | None = None
    coding_input_tokens: TokenCount | None = None
    coding_output_tokens: TokenCount | None = None
    opening_hour: Annotated[int, bounds.OPENING_HOUR.interval] | None = None
    closing_hour: Annotated[int, bounds.CLOSING_HOUR.interval] | None = None
    peak_factor: Annotated[float, bounds.PEAK_FACTOR.interval] | None = None
    growth_percent: Annotated[float, bounds.GROWTH_PERCENT.interval] | None = None
    horizon_years: Annotated[float, bounds.GROWTH_YEARS.interval] | None = None


class MeasuredTargets(StrictModel):
    """The fields of `Targets` that a site sets for itself."""

    busiest_hour_load: Annotated[float, bounds.BUSIEST_HOUR_LOAD.interval] | None = None
    transcription_wait_s: Annotated[float, bounds.WAIT_S.interval] | None = None
    drafting_wait_s: Annotated[float, bounds.WAIT_S.interval] | None = None
    coding_wait_s: Annotated[float, bounds.WAIT_S.interval] | None = None
    first_token_ms: Annotated[float, bounds.FIRST_TOKEN_MS.interval] | None = None
    coding_record_s: Annotated[float, bounds.CODING_RECORD_S.interval] | None = None


class MeasuredEngine(StrictModel):
    """The fields of `Engine` that a site measured."""

    transcription_memory_gb: Annotated[float, bounds.MEMORY_GB.interval] | None = None
    working_memory_gb: Annotated[float, bounds.MEMORY_GB.interval] | None = None
    memory_share: Annotated[float, bounds.SHARE.interval] | None = None


class MeasuredGpu(StrictModel):
    """A GPU whose transcription speed a site measured."""

    name: Text = Field(description="Product name as NVML reports it.")
    transcription_speed: Annotated[float, bounds.TRANSCRIPTION_SPEED.interval] = Field(
        description="Seconds of audio transcribed in one second."
    )


class MeasuredServing(StrictModel):
    """A GPU and a language model that a site measured. It replaces the built-in throughput of this pair."""

    gpu: Text
    model: ModelName
    throughput: list[ThroughputPoint] = Field(min_length=1)
    derate: Annotated[float, bounds.SHARE.interval] = Field(
        default=1.0, description="1: measured under the site's load."
    )
    token_interval_ms: Annotated[float, bounds.TOKEN_INTERVAL_MS.interval] | None = None
    prefill_tokens_per_s: Annotated[float, bounds.TOKENS_PER_S.interval] | None = None


class MeasurementsSpec(StrictModel):
    """What a site measured; everything else stays as it was."""

    source: Text = Field(description="Where and when it was measured; shown beside every figure.")
    demand: MeasuredDemand = MeasuredDemand()
    hourly_encounters: list[Annotated[float, bounds.JOBS_PER_DAY.interval]] | None = Field(
        default=None, min_length=HOURS, max_length=HOURS, description="Visits of each hour of the day, from 0 to 23."
    )
    visit_lengths_minutes: list[Annotated[float, bounds.VISIT_MINUTES.interval]] | None = Field(
        default=None, min_length=1, description="Recorded lengths."
    )
    targets: MeasuredTargets = MeasuredTargets()
    engine: MeasuredEngine = MeasuredEngine()
    gpus: list[MeasuredGpu] = Field(default_factory=list)
    serving: list[MeasuredServing] = Field(default_factory=list)

    @model_validator(mode="after")
    def _some_hour_has_visits(self) -> Self:
        if self.hourly_encounters is not None and not sum(self.hourly_encounters) > 0:
            raise ValueError("hourly_encounters has no visit in any hour")
        return self


class SiteMeasurements(Resource):
    """The file of `--measured`."""

    kind: Literal["SiteMeasurements"]
    spec: MeasurementsSpec


def load_figures(measured: Path | None = None, profile_gpus: Iterable[str] = ()) -> FiguresSpec:
    """The built-in figures, with what is in `measured` in their place.

    `profile_gpus` are the GPUs that hardware profiles name: a measurement of any other one is a slip of the pen.
    Raises `ConfigError`.
    """
    figures = load(BUILT_IN, PlanningFigures).spec
    if measured is None:
        return figures
    located = locate(read(measured), str(measured))

    def place(path: KeyPath) -> str:
        return f"{measured}:{located.line(path)}"

    site = validate(located.data, SiteMeasurements, place, str(measured)).spec
    known = {gpu.name for gpu in figures.gpus} | {record.gpu for record in figures.serving} | {*profile_gpus}
    if problems := mistakes(figures, site, known):
        lines = [f"{place(problem.path)}: {dotted(problem.path)}: {problem.words}" for problem in problems]
        these = "this" if len(lines) == 1 else f"these {len(lines)}"
        raise ConfigError("\n".join(lines[:MAX_PROBLEMS]), hint=f"correct {these} in {measured}")
    return replaced(figures, site, measured.name)


def replaced(figures: FiguresSpec, site: MeasurementsSpec, file: str) -> FiguresSpec:
    """`figures` with a site's measurements, which were found sound, in their place; `file` stands beside each."""
    source = f"{site.source} ({file})"
    demand: dict[str, Any] = {}
    if site.visit_lengths_minutes is not None:
        lengths = site.visit_lengths_minutes
        demand["visit_minutes"] = _measured(sum(lengths) / len(lengths), source)
    return figures.model_copy(
        update={
            "demand": _overlaid(figures.demand, site.demand, source).model_copy(update=demand),
            "targets": _overlaid(figures.targets, site.targets, source, basis="given"),
            "engine": _overlaid(figures.engine, site.engine, source),
            "gpus": _gpus(figures, site, source),
            "serving": _serving(figures, site, source),
            "hourly_encounters": site.hourly_encounters,
            "visit_lengths_minutes": site.visit_lengths_minutes,
            "site_source": source,
        }
    )


def _measured(value: float, source: str) -> Figure:
    return Figure(value=value, basis="measured", source=source)


def _overlaid(base: Any, site: StrictModel, source: str, basis: Basis = "measured") -> Any:
    own = {name: value for name, value in site if value is not None}
    return base.model_copy(
        update={name: Figure(value=value, basis=basis, source=source) for name, value in own.items()}
    )


def _gpus(figures: FiguresSpec, site: MeasurementsSpec, source: str) -> list[GpuFigures]:
    known = {gpu.name: gpu for gpu in figures.gpus}
    for gpu in site.gpus:
        known[gpu.name] = GpuFigures(name=gpu.name, transcription_speed=_measured(gpu.transcription_speed, source))
    return list(known.values())


def _serving(figures: FiguresSpec, site: MeasurementsSpec, source: str) -> list[Serving]:
    known = {(record.gpu, record.model): record for record in figures.serving}
    for own in site.serving:
        before = known.get((own.gpu, own.model))
        rates = {
            name: _measured(value, source) if value is not None else getattr(before, name)
            for name, value in own
            if name in PACES
        }
        known[(own.gpu, own.model)] = Serving(
            gpu=own.gpu,
            model=own.model,
            derate=_measured(own.derate, source),
            throughput=Throughput(source=source, basis="measured", points=own.throughput),
            **rates,
        )
    return list(known.values())
