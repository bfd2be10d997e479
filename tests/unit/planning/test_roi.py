"""The cost tables of the source documents, recomputed; payback, limits, sensitivity, broken scenarios."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from fleetctl.errors import ConfigError, UsageError
from fleetctl.models.load import parse
from fleetctl.models.profile import HardwareProfile
from fleetctl.planning.answer import Roi, return_on_investment
from fleetctl.planning.costcurve import cost_curves, hosts_for
from fleetctl.planning.demand import day_load
from fleetctl.planning.figures import DraftingModel, Figure, FiguresSpec
from fleetctl.planning.roi import CaseResult, annuity, evaluate
from fleetctl.planning.scenario import BUILT_IN, CostScenario, Investment, load_scenario
from fleetctl.planning.sizing import size
from fleetctl.report.emit import as_json
from fleetctl.report.roi import roi_view


@pytest.fixture(scope="module")
def scenario() -> CostScenario:
    return load_scenario()


@pytest.fixture(scope="module")
def roi(scenario: CostScenario) -> Roi:
    return return_on_investment(scenario)


def case(roi: Roi, name: str) -> CaseResult:
    return next(case for case in roi.cases if case.name == name)


def test_the_documents_figures_come_out(roi: Roi) -> None:
    practice, group, hospital = (case(roi, name) for name in ("practice-300", "group-5000", "hospital-300-beds"))
    assert practice.encounters_per_month == 150_000
    assert practice.cost_before_usd_month == pytest.approx(6_750)
    assert practice.cost_before_usd_year == pytest.approx(81_000)
    assert group.cost_before_usd_year == pytest.approx(540_000)
    assert (hospital.cost_before_usd_year, hospital.running_usd_year) == (2_790_000, 940_000)
    assert hospital.saving_usd_year == 1_850_000


def test_what_does_not_add_up_is_said(roi: Roi) -> None:
    assert any("200 per provider" in text and "2,500,000" in text for text in case(roi, "group-5000").findings)
    hospital = case(roi, "hospital-300-beds")
    assert hospital.payback_months is None
    assert any("$493,333" in text and "does not name" in text for text in hospital.findings)
    assert any("no investment is named" in text for text in case(roi, "practice-300").findings)
    assert any("does not pay back within 5 years" in text for text in case(roi, "clinic-50").findings)


def test_a_wrong_claim_is_found(scenario: CostScenario) -> None:
    first = scenario.spec.cases[0]
    claim = first.claims[1].model_copy(update={"value": 9_000.0})
    result = evaluate(first.model_copy(update={"claims": [claim]}), scenario.spec)
    assert any("$9,000 (specification) does not add up: 6,750" in text for text in result.findings)


def test_payback_and_net_value_of_a_priced_case(scenario: CostScenario, roi: Roi) -> None:
    clinic = case(roi, "clinic-50")
    assert clinic.investment_usd == 55_000
    power, people, support = 1.2 * 8760 * 0.15, 4 * 12 * 75, 0.05 * 55_000
    assert clinic.running_usd_year == pytest.approx(power + people + support)
    assert clinic.saving_usd_year == pytest.approx(13_500 - clinic.running_usd_year)
    assert clinic.payback_months == pytest.approx(55_000 / clinic.saving_usd_year * 12)
    assert clinic.net_usd == pytest.approx(clinic.saving_usd_year * annuity(5, 5) - 55_000)


def test_an_investment_at_its_limit_has_no_net_value(scenario: CostScenario, roi: Roi) -> None:
    clinic = next(each for each in scenario.spec.cases if each.name == "clinic-50")
    assert clinic.investment is not None
    limit = case(roi, "clinic-50").investment_limit_usd
    at_limit = clinic.investment.model_copy(
        update={"usd_per_host": Figure(value=limit, basis="assumed", source="test")}
    )
    result = evaluate(clinic.model_copy(update={"investment": at_limit}), scenario.spec)
    assert result.net_usd == pytest.approx(0, abs=0.01)


def test_support_of_a_price_that_is_not_named_is_said_beside_the_saving(scenario: CostScenario, roi: Roi) -> None:
    practice = case(roi, "practice-300")
    label = "running_usd_year and saving_usd_year are without support (5 % of a price that is not named)"
    assert practice.without_support == label
    assert json.loads(as_json(roi))["cases"][0]["without_support"] == label
    assert any("pays back within 5 years at 5 %, its support paid" in finding for finding in practice.findings)
    for name in ("hospital-300-beds", "clinic-50"):  # no support asked for; a price named
        assert case(roi, name).without_support is None
    out = Console(width=120).render_lines(roi_view(roi), pad=False)
    text = " ".join(segment.text for line in out for segment in line)
    assert f"{practice.saving_usd_year:,.0f}*" in text
    assert f"{practice.running_usd_year:,.0f}*" in text
    assert f"{case(roi, 'clinic-50').saving_usd_year:,.0f}*" not in text
    assert "* practice-300: running and saving are without support (5 % of a price" in " ".join(text.split())


def test_the_limit_without_a_price_is_the_price_at_which_support_is_paid_too(scenario: CostScenario, roi: Roi) -> None:
    practice = scenario.spec.cases[0]
    assert practice.investment is not None
    unpriced = case(roi, "practice-300")
    each = Figure(value=unpriced.investment_limit_usd / 2, basis="assumed", source="test")
    bought = practice.investment.model_copy(update={"usd_per_host": each})
    priced = evaluate(practice.model_copy(update={"investment": bought}), scenario.spec)
    assert priced.net_usd == pytest.approx(0, abs=0.01)
    assert priced.investment_limit_usd == pytest.approx(unpriced.investment_limit_usd)
    assert priced.saving_usd_year == pytest.approx(unpriced.saving_usd_year - 0.05 * unpriced.investment_limit_usd)
    assert priced.without_support is None


def test_a_saving_below_a_cent_never_pays_back(scenario: CostScenario) -> None:
    text = BUILT_IN.read_text(encoding="utf-8")
    text = text.replace("value: 940000", "value: 2789999.999")
    hospital = parse(text, CostScenario, "test").spec.cases[2]
    price = Investment.model_validate(
        {name: {"value": 9.0, "basis": "assumed", "source": "test"} for name in ("hosts", "usd_per_host")}
    )
    result = evaluate(hospital.model_copy(update={"investment": price}), scenario.spec)
    assert result.payback_months is None


def test_extreme_figures_inside_their_bounds_give_finite_numbers() -> None:
    text = BUILT_IN.read_text(encoding="utf-8")
    text = text.replace("{value: 5, low: 0, high: 10, basis", "{value: -50, basis").replace(
        "value: 0.045,", "value: 1e-320,"
    )
    text = text.replace("horizon_years: {value: 5, low: 3, high: 7", "horizon_years: {value: 50").replace(
        "low: 0.02, ", ""
    )
    data = json.loads(as_json(return_on_investment(parse(text, CostScenario, "test"))))
    swing = next(row for row in data["sensitivity"]["swings"] if row["input"] == "discount_percent")
    assert (swing["low"], swing["high"]) == (-60, -40)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_json_is_not_written_as_json(value: float) -> None:
    broken = load_scenario().spec.horizon_years.model_copy(update={"value": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(broken)


def test_no_saving_never_pays_back(scenario: CostScenario) -> None:
    clinic = next(each for each in scenario.spec.cases if each.name == "clinic-50")
    cheap = clinic.before.model_copy(update={"usd_per_encounter": Figure(value=0.001, basis="assumed", source="test")})
    result = evaluate(clinic.model_copy(update={"before": cheap}), scenario.spec)
    assert result.payback_months is None
    assert any("never pays back" in text for text in result.findings)


@pytest.mark.parametrize(
    ("years", "percent", "expected"), [(5, 0, 5), (5, 1e-14, 5), (1, 10, 1 / 1.1), (2, 10, 1 / 1.1 + 1 / 1.21)]
)
def test_annuity(years: float, percent: float, expected: float) -> None:
    assert annuity(years, percent) == pytest.approx(expected)


def test_the_three_inputs_that_matter_come_first(roi: Roi) -> None:
    assert roi.sensitivity.case == "clinic-50"
    widths = [swing.width_usd for swing in roi.sensitivity.swings]
    assert widths == sorted(widths, reverse=True)
    assert [swing.input for swing in roi.sensitivity.swings[:3]] == [
        "before.usd_per_encounter",
        "investment.hosts",
        "running.admin_hours_per_month",
    ]


def test_without_a_price_the_saving_is_varied_by_a_fifth(scenario: CostScenario) -> None:
    tornado = return_on_investment(scenario, "hospital-300-beds").sensitivity
    assert tornado.answer == "saving_usd_year"
    first = tornado.swings[0]
    assert (first.input, first.stated) == ("before.usd_per_year", False)
    assert first.width_usd == pytest.approx(0.4 * 2_790_000)


def test_a_dearer_cloud_never_lowers_the_net_value(scenario: CostScenario) -> None:
    clinic = next(each for each in scenario.spec.cases if each.name == "clinic-50")
    values = []
    for price in (0.01, 0.03, 0.05, 0.1):
        before = clinic.before.model_copy(
            update={"usd_per_encounter": Figure(value=price, basis="assumed", source="test")}
        )
        values.append(evaluate(clinic.model_copy(update={"before": before}), scenario.spec).net_usd or 0)
    assert values == sorted(values)


def test_an_unknown_case_names_the_nearest(scenario: CostScenario) -> None:
    with pytest.raises(UsageError) as refused:
        return_on_investment(scenario, "clinic-5")
    assert refused.value.hint == "did you mean clinic-50?"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("usd_per_kwh:", "usd_per_kw:", "spec.cases[0].running.usd_per_kw: unknown key; did you mean usd_per_kwh?"),
        ("horizon_years: {value: 5", "horizon_years: {value: five", "spec.horizon_years.value: "),
        (
            'basis: assumed, source: "ours: service',
            'basis: guessed, source: "ours: service',
            "spec.horizon_years.basis",
        ),
        ("name: group-5000", "name: practice-300", "two cases have the same name"),
        ("metric: payback_months", "metric: payback", "spec.cases[2].claims[0].metric: "),
        ("low: 45000", "low: 75000", "does not lie between low 75000 and high 65000"),
        (
            "value: 5, low: 0, high: 10",
            "value: -100",
            "spec.discount_percent: value must be between -50 and 100",
        ),
        ("value: 5, low: 0, high: 10", "value: 5, low: -100", "spec.discount_percent: low must be between -50 and 100"),
        ("value: 5, low: 0, high: 10", "value: 5, high: 1e999", "spec.discount_percent.high: "),
        ("providers: {value: 300", "providers: {value: -300", "encounters.providers: value must be between 1 and"),
        ("hosts: {value: 2", "hosts: {value: -1", "spec.cases[0].investment.hosts: value must be between 0 and"),
        ("value: 0.045", "value: 1e999", "spec.cases[0].before.usd_per_encounter.value: "),
        ("value: 2790000", "value: -1", "spec.cases[2].before.usd_per_year: value must be between 0 and"),
        ("horizon_years: {value: 5, low: 3", "horizon_years: {value: 5, low: 0", "spec.horizon_years: low must be"),
        ("payback_months, value: 3.2", "payback_months, value: -240", "payback_months cannot be below 0; is -240"),
        ("value: 540000", "value: 1e999", "spec.cases[1].claims[0].value: "),
    ],
)
def test_a_broken_scenario_says_where(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = BUILT_IN.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        load_scenario(file)
    assert problem in refused.value.message
    assert f"{file}:" in refused.value.message


def test_cost_over_encounters(
    figures: FiguresSpec, small_model: DraftingModel, profiles: dict[str, HardwareProfile]
) -> None:
    sizing = size(figures, day_load(figures, 50), small_model, profiles)
    cloud, *own = cost_curves(sizing, load_scenario())
    assert cloud.low_usd_year[-1] == pytest.approx(cloud.encounters_per_day[-1] * 25 * 12 * 0.045)
    assert [curve.name for curve in own] == ["clinic-sys-221h-tnr"]
    assert all(low < high for low, high in zip(own[0].low_usd_year, own[0].high_usd_year, strict=True))
    assert list(own[0].low_usd_year) == sorted(own[0].low_usd_year)
    assert hosts_for(1000, sizing.best, 0.9) == sizing.best.hosts_n_plus_1 == 1
