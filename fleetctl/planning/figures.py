"""The figures that a plan rests on, each with its source: the built-in file, and what a site measured itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fleetctl.models.base import ModelName, Resource, StrictModel
from fleetctl.models.load import load

Basis = Literal["measured", "derived", "assumed", "given"]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Positive = Annotated[float, Field(gt=0)]
TokenCount = Annotated[int, Field(ge=1, le=10_000_000)]
HOURS = 24

BUILT_IN = Path(__file__).parent / "data" / "figures.yaml"


class Figure(StrictModel):
    """One number, and why it can be believed."""

    value: float
    low: float | None = Field(default=None, description="Low end of what is plausible; for people and sensitivity.")
    high: float | None = Field(default=None, description="High end of what is plausible.")
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

    encounters_per_provider: Figure = Field(description="Visits of one provider on a working day.")
    visit_minutes: Figure = Field(description="Mean length of a visit's recording, in minutes.")
    visit_variation: Figure = Field(description="Standard deviation of the length over its mean.")
    input_tokens: Figure = Field(description="Tokens that drafting reads for one encounter.")
    output_tokens: Figure = Field(description="Tokens that drafting writes for one encounter.")
    coding_records_per_provider: Figure = Field(description="Records coded for one provider on a working day.")
    coding_input_tokens: Figure = Field(description="Tokens that coding reads for one record.")
    coding_output_tokens: Figure = Field(description="Tokens that coding writes for one record.")
    opening_hour: Figure = Field(description="First hour of the day with visits, 0 to 23.")
    closing_hour: Figure = Field(description="Hour at which visits end, 1 to 24.")
    peak_factor: Figure = Field(description="Visits of the busiest hour over those of the mean hour.")
    growth_percent: Figure = Field(description="Growth of the load a year, in percent.")
    horizon_years: Figure = Field(description="Years over which growth compounds.")


class Targets(StrictModel):
    """What counts as keeping up: the load of the busiest hour, and 95 of 100 jobs of the worst hour start in time."""

    busiest_hour_load: Figure = Field(description="GPU time wanted over GPU time there is, at most; below 1.")
    transcription_wait_s: Figure
    drafting_wait_s: Figure
    coding_wait_s: Figure
    first_token_ms: Figure = Field(description="Shown beside the time to the first token; decides nothing.")
    coding_record_s: Figure = Field(description="Shown beside the time to code a record; decides nothing.")


class Engine(StrictModel):
    """Memory on a GPU beside a model's weights and KV cache. GB are 10^9 bytes."""

    transcription_memory_gb: Figure = Field(description="The transcription model with its working memory.")
    working_memory_gb: Figure = Field(description="Working memory of the drafting engine.")
    memory_share: Figure = Field(description="Share of a GPU's memory that may be used.")


class DraftingModel(StrictModel):
    """A language model that drafts and codes."""

    name: ModelName
    title: Text
    tensor_parallel: int = Field(ge=1, le=64, description="GPUs of one host that hold one copy together.")
    weights_gb: Figure = Field(description="All weights, in 10^9 bytes.")
    kv_kib_per_token: Figure = Field(description="KV cache of one token over all layers, in KiB.")


class GpuFigures(StrictModel):
    """What one GPU transcribes."""

    name: Text = Field(description="Product name as NVML reports it.")
    transcription_speed: Figure = Field(description="Seconds of audio transcribed in one second (large-v3).")


class ThroughputPoint(StrictModel):
    """One measurement of a language model under full load."""

    input_tokens: TokenCount
    output_tokens: TokenCount
    output_tokens_per_s: Positive


class Throughput(StrictModel):
    """Measurements of one source."""

    source: Text
    basis: Basis
    points: list[ThroughputPoint] = Field(min_length=1)


class Serving(StrictModel):
    """How fast one GPU model (or `tensor_parallel` of them together) serves one language model."""

    gpu: Text
    model: ModelName
    derate: Figure = Field(description="Share of the throughput that is counted on.")
    token_interval_ms: Figure = Field(description="Time between two tokens of one draft under load.")
    prefill_tokens_per_s: Figure = Field(description="Tokens of one prompt that are read in a second, nothing cached.")
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

    encounters_per_provider: Positive | None = None
    visit_minutes: Positive | None = None
    visit_variation: Annotated[float, Field(ge=0, le=3)] | None = None
    input_tokens: TokenCount | None = None
    output_tokens: TokenCount | None = None
    coding_records_per_provider: Annotated[float, Field(ge=0)] | None = None
    coding_input_tokens: TokenCount | None = None
    coding_output_tokens: TokenCount | None = None
    opening_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    closing_hour: Annotated[int, Field(ge=1, le=24)] | None = None
    peak_factor: Annotated[float, Field(ge=1)] | None = None
    growth_percent: Annotated[float, Field(ge=-50, le=200)] | None = None
    horizon_years: Annotated[float, Field(ge=0, le=20)] | None = None


class MeasuredTargets(StrictModel):
    """The fields of `Targets` that a site sets for itself."""

    busiest_hour_load: Annotated[float, Field(gt=0, lt=1)] | None = None
    transcription_wait_s: Positive | None = None
    drafting_wait_s: Positive | None = None
    coding_wait_s: Positive | None = None
    first_token_ms: Positive | None = None
    coding_record_s: Positive | None = None


class MeasuredEngine(StrictModel):
    """The fields of `Engine` that a site measured."""

    transcription_memory_gb: Positive | None = None
    working_memory_gb: Annotated[float, Field(ge=0)] | None = None
    memory_share: Annotated[float, Field(gt=0, le=1)] | None = None


class MeasuredGpu(StrictModel):
    """A GPU whose transcription speed a site measured."""

    name: Text = Field(description="Product name as NVML reports it.")
    transcription_speed: Positive = Field(description="Seconds of audio transcribed in one second.")


class MeasuredServing(StrictModel):
    """A GPU and a language model that a site measured. It replaces the built-in throughput of this pair."""

    gpu: Text
    model: ModelName
    throughput: list[ThroughputPoint] = Field(min_length=1)
    derate: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="1: measured under the site's load.")
    token_interval_ms: Positive | None = None
    prefill_tokens_per_s: Positive | None = None


class MeasurementsSpec(StrictModel):
    """What a site measured; everything else stays as it was."""

    source: Text = Field(description="Where and when it was measured; shown beside every figure.")
    demand: MeasuredDemand = MeasuredDemand()
    hourly_encounters: list[Annotated[float, Field(ge=0)]] | None = Field(
        default=None, min_length=HOURS, max_length=HOURS, description="Visits of each hour of the day, from 0 to 23."
    )
    visit_lengths_minutes: list[Positive] | None = Field(default=None, min_length=1, description="Recorded lengths.")
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


def load_figures(measured: Path | None = None) -> FiguresSpec:
    """The built-in figures, with what is in `measured` in their place. Raises `ConfigError`."""
    figures = load(BUILT_IN, PlanningFigures).spec
    return figures if measured is None else replaced(figures, load(measured, SiteMeasurements).spec, str(measured))


def replaced(figures: FiguresSpec, site: MeasurementsSpec, file: str) -> FiguresSpec:
    """`figures` with a site's measurements in their place.

    Raises `ConfigError` for a pair of GPU and model that has neither a built-in figure nor all of its own.
    """
    source = f"{site.source} ({Path(file).name})"
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
            "serving": _serving(figures, site, source, file),
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


def _serving(figures: FiguresSpec, site: MeasurementsSpec, source: str, file: str) -> list[Serving]:
    from fleetctl.errors import ConfigError

    known = {(record.gpu, record.model): record for record in figures.serving}
    for index, own in enumerate(site.serving):
        before = known.get((own.gpu, own.model))
        rates = {}
        for name in ("token_interval_ms", "prefill_tokens_per_s"):
            value = getattr(own, name)
            figure = _measured(value, source) if value is not None else getattr(before, name, None)
            if figure is None:
                raise ConfigError(
                    f"{file}: spec.serving[{index}].{name}: missing, and there is none for {own.model} on {own.gpu}",
                    hint="measure it, or leave this entry out",
                )
            rates[name] = figure
        if figures.drafting_model(own.model) is None:
            names = ", ".join(model.name for model in figures.models)
            raise ConfigError(
                f"{file}: spec.serving[{index}].model: {own.model} is no model of the planner", hint=f"models: {names}"
            )
        known[(own.gpu, own.model)] = Serving(
            gpu=own.gpu,
            model=own.model,
            derate=_measured(own.derate, source),
            throughput=Throughput(source=source, basis="measured", points=own.throughput),
            **rates,
        )
    return list(known.values())
