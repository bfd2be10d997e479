"""The figures' file, and a site's measurements in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError
from fleetctl.planning.demand import day_load
from fleetctl.planning.figures import Figure, FiguresSpec, load_figures
from fleetctl.planning.sensitivity import figures_in
from fleetctl.planning.service import gpu_service

HEAD = """\
apiVersion: fleetctl/v1
kind: SiteMeasurements
metadata: {name: north-clinic}
spec:
  source: north-clinic, first week of November
"""


def measured(tmp_path: Path, body: str, *profile_gpus: str) -> FiguresSpec:
    file = tmp_path / "measured.yaml"
    file.write_text(HEAD + body)
    return load_figures(file, profile_gpus)


def test_a_built_in_figure_without_a_public_source_is_no_measurement(figures: FiguresSpec) -> None:
    for gpu in figures.gpus:
        assert gpu.transcription_speed.basis == "assumed"
    for record in figures.serving:
        if record.gpu != "NVIDIA L40S":
            assert record.throughput.basis == "derived"
    ours = [figure for part in (figures.demand, figures.targets) for _, figure in figures_in(part)]
    assert all(figure.basis == "assumed" for figure in ours if figure.source.startswith("ours"))


def test_measurements_replace_figures_and_say_so(tmp_path: Path, figures: FiguresSpec) -> None:
    site = measured(
        tmp_path,
        """\
  demand: {visit_minutes: 12.5, peak_factor: 1.3}
  targets: {transcription_wait_s: 45}
  engine: {memory_share: 0.95}
  gpus:
    - {name: NVIDIA L40S, transcription_speed: 72}
  serving:
    - gpu: NVIDIA L40S
      model: llama-3.1-8b-fp8
      throughput:
        - {input_tokens: 10000, output_tokens: 1000, output_tokens_per_s: 500}
""",
    )
    assert site.demand.visit_minutes == Figure(
        value=12.5, basis="measured", source="north-clinic, first week of November (measured.yaml)"
    )
    assert site.targets.transcription_wait_s.basis == "given"
    assert site.demand.input_tokens == figures.demand.input_tokens
    model = site.drafting_model("llama-3.1-8b-fp8")
    assert model is not None
    service = gpu_service(site, "NVIDIA L40S", model)
    assert service is not None
    assert service.drafting.gpu_seconds == pytest.approx(2.0)
    assert service.drafting.basis == "measured"
    assert service.transcription.gpu_seconds == pytest.approx(12.5 * 60 / 72)


def test_a_gpu_that_was_unknown_can_be_measured(tmp_path: Path) -> None:
    site = measured(
        tmp_path,
        """\
  gpus: [{name: NVIDIA H200, transcription_speed: 150}]
  serving:
    - gpu: NVIDIA H200
      model: llama-3.1-8b-fp8
      throughput: [{input_tokens: 10000, output_tokens: 1000, output_tokens_per_s: 3000}]
      token_interval_ms: 15
      prefill_tokens_per_s: 90000
""",
        "NVIDIA H200",
    )
    model = site.drafting_model("llama-3.1-8b-fp8")
    assert model is not None
    assert gpu_service(site, "NVIDIA H200", model) is not None


def test_recorded_lengths_and_hours_are_used(tmp_path: Path) -> None:
    hours = ", ".join("10" if 9 <= hour < 17 else "0" for hour in range(24))
    site = measured(tmp_path, f"  hourly_encounters: [{hours}]\n  visit_lengths_minutes: [5, 7, 12]\n")
    load = day_load(site, 20)
    assert load.visit_minutes == 8
    assert load.peak_share == pytest.approx(1 / 8)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "  demand: {visit_minuts: 9}\n",
            "measured.yaml:6: spec.demand.visit_minuts: unknown key; did you mean visit_m",
        ),
        ("  demand: {visit_minutes: 0}\n", "measured.yaml:6: spec.demand.visit_minutes: "),
        ("  hourly_encounters: [1, 2]\n", "measured.yaml:6: spec.hourly_encounters: "),
        ("  hourly_encounters: [" + ", ".join("0" * 24) + "]\n", "hourly_encounters has no visit in any hour"),
        (
            "  serving:\n    - gpu: NVIDIA RTX 6000 Ada Generation\n      model: llama-3.1-70b-fp8\n"
            "      throughput: [{input_tokens: 1, output_tokens: 1, output_tokens_per_s: 1}]\n",
            "measured.yaml:7: spec.serving[0].token_interval_ms: missing, and there is none for llama-3.1-70b",
        ),
        (
            "  serving:\n    - gpu: NVIDIA L40S\n      model: llama-9\n      token_interval_ms: 1\n"
            "      prefill_tokens_per_s: 1\n"
            "      throughput: [{input_tokens: 1, output_tokens: 1, output_tokens_per_s: 1}]\n",
            "measured.yaml:8: spec.serving[0].model: llama-9 is no model of the planner; known: llama-3.1-",
        ),
        (
            "  gpus:\n    - {name: NVIDIA L40, transcription_speed: 9}\n",
            "measured.yaml:7: spec.gpus[0].name: NVIDIA L40 is no GPU of a profile or the planner; did you mean N",
        ),
        (
            "  serving:\n    - gpu: L40S\n      model: llama-3.1-8b-fp8\n"
            "      throughput: [{input_tokens: 1, output_tokens: 1, output_tokens_per_s: 1}]\n",
            "measured.yaml:7: spec.serving[0].gpu: L40S is no GPU of a profile or the planner; did you mean N",
        ),
        (
            "  gpus:\n    - {name: NVIDIA L40S, transcription_speed: 9}\n"
            "    - {name: NVIDIA L40S, transcription_speed: 8}\n",
            "measured.yaml:8: spec.gpus[1].name: NVIDIA L40S stands twice",
        ),
        (
            "  demand: {visit_minutes: 9}\n  visit_lengths_minutes: [5]\n",
            "measured.yaml:6: spec.demand.visit_minutes: contradicts spec.visit_lengths_minutes",
        ),
        *(
            (
                f"  demand: {{{key}: 9}}\n  hourly_encounters: [{', '.join('1' * 24)}]\n",
                f"measured.yaml:6: spec.demand.{key}: contradicts spec.hourly_encounters",
            )
            for key in ("opening_hour", "closing_hour", "peak_factor")
        ),
        ("  demand: {encounters_per_provider: 1e400}\n", "measured.yaml:6: spec.demand.encounters_per_provider: "),
        ("  gpus: [{name: NVIDIA L40S, transcription_speed: 1e-300}]\n", "spec.gpus[0].transcription_speed: "),
        (
            "  hourly_encounters: [" + ", ".join(["1e308"] * 3 + ["0"] * 21) + "]\n",
            "measured.yaml:6: spec.hourly_encounters[0]: ",
        ),
        ("  visit_lengths_minutes: [5, 1e300]\n", "measured.yaml:6: spec.visit_lengths_minutes[1]: "),
        ("  targets: {busiest_hour_load: 1e-300}\n", "measured.yaml:6: spec.targets.busiest_hour_load: "),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(tmp_path: Path, body: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        measured(tmp_path, body)
    assert problem in refused.value.message


def test_a_figure_lies_between_its_ends() -> None:
    with pytest.raises(ValueError, match="does not lie between"):
        Figure(value=5, low=6, high=9, basis="assumed", source="test")


def test_the_example_of_the_task_page_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/operate/size-a-site.md").read_text(encoding="utf-8")
    file = tmp_path / "north.yaml"
    file.write_text(page.split("```yaml\n")[1].split("```")[0])
    site = load_figures(file)
    assert site.demand.visit_minutes.basis == "measured"
    assert day_load(site, 50).peak_hour == 10
