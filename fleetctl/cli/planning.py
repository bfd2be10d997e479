"""`fleetctl profile size` and `fleetctl profile roi`: how many hosts a site needs, and whether they pay back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import OptionGroup, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption
from fleetctl.planning import bounds

if TYPE_CHECKING:
    from fleetctl.models.profile import HardwareProfile
    from fleetctl.planning.demand import DayLoad
    from fleetctl.planning.figures import DraftingModel, Figure, FiguresSpec
    from fleetctl.planning.sizing import Sizing

PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Also draw it: a .png or .svg file. Needs the extra fleetctl[plot]."),
]


class Day(OptionGroup):
    """The working day that is planned for. What is not given comes from --measured, else from the built-in figures."""

    def __init__(
        self,
        providers: Annotated[
            int,
            typer.Option(
                "--providers",
                min=bounds.PROVIDERS.least,
                max=bounds.PROVIDERS.most,
                help="Clinicians who see patients that day.",
            ),
        ],
        encounters: Annotated[
            float | None,
            typer.Option(
                "--encounters-per-provider",
                min=bounds.ENCOUNTERS_PER_PROVIDER.least,
                max=bounds.ENCOUNTERS_PER_PROVIDER.most,
                help="Visits of one of them.",
            ),
        ] = None,
        visit_minutes: Annotated[
            float | None,
            typer.Option(
                "--visit-minutes",
                min=bounds.VISIT_MINUTES.least,
                max=bounds.VISIT_MINUTES.most,
                help="Mean length of a visit.",
            ),
        ] = None,
        visit_variation: Annotated[
            float | None,
            typer.Option(
                "--visit-variation",
                min=bounds.VISIT_VARIATION.least,
                max=bounds.VISIT_VARIATION.most,
                help="Standard deviation of the length over its mean.",
            ),
        ] = None,
        input_tokens: Annotated[
            int | None,
            typer.Option(
                "--input-tokens",
                min=bounds.TOKENS.least,
                max=bounds.TOKENS.most,
                help="Tokens that drafting reads for an encounter.",
            ),
        ] = None,
        output_tokens: Annotated[
            int | None,
            typer.Option(
                "--output-tokens",
                min=bounds.TOKENS.least,
                max=bounds.TOKENS.most,
                help="Tokens that drafting writes for an encounter.",
            ),
        ] = None,
        coding_records: Annotated[
            int | None,
            typer.Option(
                "--coding-records",
                min=bounds.JOBS_PER_DAY.least,
                max=bounds.JOBS_PER_DAY.most,
                help="Records to code a day, of all providers.",
            ),
        ] = None,
        hours: Annotated[
            str | None, typer.Option("--hours", metavar="FROM-TO", help="Hours with visits, like 8-17.")
        ] = None,
        peak_factor: Annotated[
            float | None,
            typer.Option(
                "--peak-factor",
                min=bounds.PEAK_FACTOR.least,
                max=bounds.PEAK_FACTOR.most,
                help="Visits of the busiest hour over the mean hour's.",
            ),
        ] = None,
        growth: Annotated[
            float | None,
            typer.Option(
                "--growth",
                min=bounds.GROWTH_PERCENT.least,
                max=bounds.GROWTH_PERCENT.most,
                help="Growth a year in percent.",
            ),
        ] = None,
        years: Annotated[
            float | None,
            typer.Option(
                "--years",
                min=bounds.GROWTH_YEARS.least,
                max=bounds.GROWTH_YEARS.most,
                help="Years over which growth compounds.",
            ),
        ] = None,
    ) -> None:
        self._providers: int = providers
        self._records: int | None = coding_records
        self._hours: str | None = hours
        self._numbers: dict[str, tuple[float | None, str]] = {
            "encounters_per_provider": (encounters, "--encounters-per-provider"),
            "visit_minutes": (visit_minutes, "--visit-minutes"),
            "visit_variation": (visit_variation, "--visit-variation"),
            "input_tokens": (input_tokens, "--input-tokens"),
            "output_tokens": (output_tokens, "--output-tokens"),
            "peak_factor": (peak_factor, "--peak-factor"),
            "growth_percent": (growth, "--growth"),
            "horizon_years": (years, "--years"),
        }

    def over(self, figures: FiguresSpec) -> tuple[FiguresSpec, DayLoad]:
        """`figures` with these options in their place, and the day they make. Raises `UsageError`."""
        from fleetctl.planning.demand import day_load, given, with_options

        options = {name: given(value, option) for name, (value, option) in self._numbers.items() if value is not None}
        options |= self._opening_hours()
        shape: dict[str, None] = {}
        if {"opening_hour", "peak_factor"} & options.keys():
            shape["hourly_encounters"] = None
        if {"visit_minutes", "visit_variation"} & options.keys():
            shape["visit_lengths_minutes"] = None
        changed = with_options(figures, options).model_copy(update=shape)
        records = given(self._records, "--coding-records") if self._records is not None else None
        return changed, day_load(changed, self._providers, records)

    def _opening_hours(self) -> dict[str, Figure]:
        from fleetctl.errors import UsageError
        from fleetctl.planning.demand import given

        if self._hours is None:
            return {}
        opening, dash, closing = self._hours.partition("-")
        if not (dash and opening.isdecimal() and closing.isdecimal() and int(opening) < int(closing) <= 24):
            raise UsageError(f"--hours {self._hours} is no span of whole hours", hint="for example: --hours 8-17")
        return {
            "opening_hour": given(int(opening), f"--hours {self._hours}"),
            "closing_hour": given(int(closing), f"--hours {self._hours}"),
        }


@grouped
def size(
    day: Day,
    hosts: Annotated[int, typer.Option("--hosts", min=1, max=10_000, help="Hosts that the site may have.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option("--profile", metavar="NAME", help="Only this profile; repeat for more.")
    ] = None,
    drafting_model: Annotated[
        str, typer.Option("--drafting-model", help="Model that drafts and codes: llama-3.1-8b-fp8, llama-3.1-70b-fp8.")
    ] = "llama-3.1-8b-fp8",
    measured: Annotated[
        Path | None,
        typer.Option("--measured", metavar="FILE", help="The site's own measurements (SiteMeasurements, YAML)."),
    ] = None,
    plot: PlotOption = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Say which hardware carries a site: GPU time a stage, waiting, memory, N+1, the bottleneck, each with its source.

    Exit 0: a profile keeps up on --hosts hosts even with one GPU out. 3: only with every GPU, or its profile is
    unconfirmed. 4: more hosts are needed,
    or none helps. 5: no profile can be sized. The best profile decides; docs/operate/size-a-site.md.
    """
    from fleetctl.planning.figures import load_figures
    from fleetctl.planning.sizing import size as size_profiles
    from fleetctl.report.emit import emit
    from fleetctl.report.planning import sizing_view

    if plot is not None:
        from fleetctl.report.plots import check_plot

        check_plot(plot)
    profiles = _profiles(fleet, only)
    figures, load = day.over(load_figures(measured, _gpus(fleet) if measured is not None else ()))
    sizing = size_profiles(figures, load, _model(figures, drafting_model), profiles, hosts)
    emit(sizing, output, sizing_view)
    if plot is not None:
        _draw(sizing, plot)
    _end(sizing.exit_code)


def _draw(sizing: Sizing, plot: Path) -> None:
    """The picture, after the answer: what goes wrong with it takes no answer away."""
    from fleetctl.report.console import err
    from fleetctl.report.plots import save_sizing

    if sizing.best.stages:
        save_sizing(sizing, plot)
    else:
        err.print(f"--plot {plot}: nothing to draw, because {sizing.best.profile} cannot be sized: {sizing.best.why}")


def _gpus(fleet: Path | None) -> set[str]:
    """The GPUs that any profile names, whether it is to be sized or not."""
    return {gpu.reference for profile in _profiles(fleet, None).values() for gpu in profile.spec.gpus}


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _model(figures: FiguresSpec, name: str) -> DraftingModel:
    from fleetctl.errors import UsageError

    found = [model for model in figures.models if name.lower() in model.name]
    if len(found) != 1:
        names = ", ".join(model.name for model in figures.models)
        raise UsageError(f"--drafting-model {name} names {len(found) or 'no'} models", hint=f"models: {names}")
    return found[0]


def _profiles(fleet: Path | None, only: list[str] | None) -> dict[str, HardwareProfile]:
    """The profiles to size: those named, else all that there are."""
    from fleetctl.cli.profile import profile_paths
    from fleetctl.models.fleetdir import load_profile

    paths = profile_paths(fleet)
    return {name: load_profile(name, paths) for name in dict.fromkeys(only or sorted(paths))}


def roi(
    scenario: Annotated[
        Path | None, typer.Option("--scenario", metavar="FILE", help="Cases and assumptions (CostScenario, YAML).")
    ] = None,
    case: Annotated[
        str | None, typer.Option("--case", metavar="NAME", help="The case whose inputs are varied and drawn.")
    ] = None,
    print_scenario: Annotated[
        bool, typer.Option("--print-scenario", help="Write the built-in scenario to stdout, to edit; compute nothing.")
    ] = False,
    plot: PlotOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Compare what drafting costs today with hosts of one's own: saving, payback, net value, and what moves it most.

    Without --scenario: the cases of the specification, recomputed, and where its own figures do not add up.
    Exit 0 whatever the answer is.
    """
    from fleetctl.errors import UsageError
    from fleetctl.planning.answer import return_on_investment
    from fleetctl.planning.scenario import BUILT_IN, load_scenario
    from fleetctl.report.emit import emit
    from fleetctl.report.roi import roi_view

    if print_scenario:
        given = {"--scenario": scenario, "--case": case, "--plot": plot}
        others = [option for option, value in given.items() if value is not None]
        others += ["-o"] if output is not OutputFormat.table else []
        if others:
            raise UsageError(
                f"--print-scenario computes nothing: it does not go with {', '.join(others)}",
                hint="fleetctl profile roi --print-scenario > mine.yaml",
            )
        typer.echo(BUILT_IN.read_text(encoding="utf-8"), nl=False)
        return
    if plot is not None:
        from fleetctl.report.plots import check_plot

        check_plot(plot)
    answer = return_on_investment(load_scenario(scenario), case)
    emit(answer, output, roi_view)
    if plot is not None:
        from fleetctl.report.plots import save_roi

        save_roi(answer, plot)
