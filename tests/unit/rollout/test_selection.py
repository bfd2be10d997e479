"""Who is in which wave, and who is left out, each with a reason; and properties that hold for any policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.contract.release_status import Denied
from fleetctl.actions.hold import new_hold, new_pin
from fleetctl.errors import ConfigError, FleetctlError, RefusedError
from fleetctl.models.rollout import RolloutPolicySpec
from fleetctl.rollout.selection import Candidate, Seen, Selection, select, turn
from tests.fakes.boxes import FakeBox
from tests.fakes.sets import manifest, set_of

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NEW, OLD = manifest("new-1", 5), manifest("old-1", 3)


def seen(name: str, **values: Any) -> Seen:
    return Seen(FakeBox(name, {"new-1": NEW}, **values).status())


def site(name: str, labels: dict[str, str] | None = None, **values: Any) -> Candidate:
    given: dict[str, Any] = {"labels": labels or {}, "engine": "llama.cpp", "seen": seen(name)}
    return Candidate(name=name, **{**given, **values})


def policy(*waves: dict[str, Any], **values: Any) -> RolloutPolicySpec:
    return RolloutPolicySpec.model_validate({"waves": list(waves), **values})


def chosen(spec: RolloutPolicySpec, sites: Sequence[Candidate], **values: Any) -> Selection:
    return select(spec, NEW, sites, **{"selectors": {}, "now": NOW, "source": "policy.yaml", **values})


def waves(selection: Selection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in selection.chosen:
        found.setdefault(each.wave, []).append(each.candidate.name)
    return found


CANARY = {"name": "canary", "sites": ["c"]}
REST = {"name": "rest", "percent": 100}
FLEET = [site(name) for name in "abcdefghij"]


def test_named_then_percentages_then_all() -> None:
    selection = chosen(policy(CANARY, {"name": "some", "percent": 40}, REST), FLEET)
    found = waves(selection)
    assert found["canary"] == ["c"]
    assert [len(found[wave]) for wave in ("canary", "some", "rest")] == [1, 3, 6]
    others = sorted((name for name in "abdefghij"), key=turn)
    assert found["some"] + found["rest"] == others
    assert {each.reason for each in selection.chosen if each.wave == "some"} == {
        "among the first 40 percent of 10 sites"
    }
    assert selection.left_out == ()


def test_a_percentage_is_rounded_up() -> None:
    assert len(waves(chosen(policy({"name": "canary", "percent": 1}, REST), FLEET))["canary"]) == 1
    assert len(waves(chosen(policy({"name": "canary", "percent": 11}, REST), FLEET))["canary"]) == 2


def test_a_site_that_a_later_wave_names_is_not_taken_before() -> None:
    last = sorted("abcdefghij", key=turn)[0]
    found = waves(chosen(policy({"name": "most", "percent": 90}, {"name": "last", "sites": [last]}), FLEET))
    assert found["last"] == [last]
    assert len(found["most"]) == 9


def test_selectors_take_what_is_left() -> None:
    fleet = [site("a", {"ring": "pilot"}), site("b", {"ring": "pilot", "country": "de"}), site("c")]
    spec = policy(CANARY, {"name": "pilot", "selectors": {"ring": "pilot"}}, REST)
    selection = chosen(spec, fleet)
    assert sorted(waves(selection)["pilot"]) == ["a", "b"]
    assert selection.dropped == ("rest",)
    assert next(each for each in selection.chosen if each.wave == "pilot").reason == "has the label ring=pilot"


def test_what_no_wave_takes_is_an_error_until_it_is_left_out_by_name() -> None:
    with pytest.raises(ConfigError, match=r"policy\.yaml: spec\.waves: no wave takes a, b, d") as problem:
        chosen(policy(CANARY), FLEET[:4])
    assert "spec.leave_out" in problem.value.hint
    selection = chosen(policy(CANARY, leave_out=["a", "b", "d"]), FLEET[:4])
    assert [each.site for each in selection.left_out] == ["a", "b", "d"]


def test_names_that_no_site_has() -> None:
    fleet = [site("north"), site("south")]
    with pytest.raises(ConfigError) as problem:
        chosen(policy({"name": "canary", "sites": ["nroth"]}, REST, leave_out=["zzz"]), fleet)
    assert problem.value.message.splitlines() == [
        "policy.yaml: spec.waves[0].sites: there is no site nroth; did you mean north?",
        "policy.yaml: spec.leave_out: there is no site zzz",
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"hold": new_hold("x", reason="renovation", until=None, by="Ada")}, "held by Ada: renovation"),
        ({"pin": new_pin("x", "old-1", reason="study", by="Ada")}, "pinned to old-1 by Ada: study"),
        ({"labels": {"channel": "pilot"}}, "follows the channel pilot, not stable"),
        ({"engine": "vllm"}, "its engine is vllm, the release was made for llama.cpp"),
        ({"usr_root_hash": "0" * 64}, "its OS image (000000000000) is none of those that the release was made for"),
        ({"seen": Seen(None, "no such command")}, "its status is not known: no such command"),
        ({"seen": seen("x", active=set_of(NEW))}, "runs it already"),
        (
            {"seen": seen("x", denied=[Denied(release="new-1", digest=NEW.digest, at=NOW, reason="probe")])},
            "was rolled back from it on 2026-11-26: probe; until an operator clears it",
        ),
        (
            {"seen": seen("x", minimum_sequence=6)},
            "takes nothing older than sequence 6 any more; this one has 5",
        ),
    ],
)
def test_why_a_site_is_left_out(values: dict[str, Any], reason: str) -> None:
    selection = chosen(policy(CANARY, REST), [site("c"), site("x", **values)])
    assert [(each.site, each.reason) for each in selection.left_out] == [("x", reason)]


@pytest.mark.parametrize(
    "values",
    [
        {"hold": new_hold("x", reason="over", until="1h", by="Ada", now=datetime(2026, 11, 26, 11, 0, tzinfo=UTC))},
        {"pin": new_pin("x", "new-1", reason="study", by="Ada")},
        {"labels": {"channel": "stable"}},
        {"usr_root_hash": "a1" * 32},
        {"seen": Seen(None, "no answer", offline=True)},
        {"seen": seen("x", denied=[Denied(release="new-1", digest=OLD.digest, at=NOW, reason="other bytes")])},
        {"seen": seen("x", active=set_of(OLD), minimum_sequence=5)},
    ],
)
def test_why_a_site_stays(values: dict[str, Any]) -> None:
    selection = chosen(policy(CANARY, REST), [site("c"), site("x", **values)])
    assert waves(selection) == {"canary": ["c"], "rest": ["x"]}


def test_a_plan_for_some_labels() -> None:
    fleet = [site("c", {"ring": "pilot"}), site("x", {"ring": "rest"}), site("y")]
    selection = chosen(policy(CANARY, REST), fleet, selectors={"ring": "pilot"})
    assert waves(selection) == {"canary": ["c"]}
    assert {each.reason for each in selection.left_out} == {"not selected: the plan is about ring=pilot"}


def test_a_first_wave_without_a_site_is_refused_with_the_reasons() -> None:
    held = site("c", hold=new_hold("c", reason="renovation", until=None, by="Ada"))
    with pytest.raises(RefusedError, match=r"the first wave, canary, has no site.*c: held by Ada: renovation"):
        chosen(policy(CANARY, REST), [held, site("x")])


def test_a_first_wave_that_cannot_be_reached_is_refused() -> None:
    away = site("c", seen=Seen(None, "no answer", offline=True))
    with pytest.raises(RefusedError, match="can be reached: c"):
        chosen(policy(CANARY, REST), [away, site("x")])
    both = policy({"name": "canary", "sites": ["c", "x"]})
    assert waves(chosen(both, [away, site("x")])) == {"canary": ["c", "x"]}


def test_nothing_to_do_is_refused() -> None:
    with pytest.raises(RefusedError, match="no site would be changed: c: runs it already"):
        chosen(policy(CANARY), [site("c", seen=seen("c", active=set_of(NEW)))])
    names = [f"s{number}" for number in range(7)]
    with pytest.raises(RefusedError, match=r"s4: left out by the policy; and 2 more$"):
        chosen(policy(REST, leave_out=names), [site(name) for name in names])
    with pytest.raises(RefusedError, match="the fleet has no sites"):
        chosen(policy({"name": "canary", "percent": 100}), [])


@st.composite
def fleets(draw: st.DrawFn) -> tuple[RolloutPolicySpec, list[Candidate]]:
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), min_size=1, max_size=30, unique=True))
    kinds: list[dict[str, Any]] = [
        {},
        {"seen": Seen(None, "no answer", offline=True)},
        {"seen": Seen(None, "nonsense")},
        {"engine": "vllm"},
        {"labels": {"ring": "pilot"}},
    ]
    fleet = [site(name, **draw(st.sampled_from(kinds))) for name in names]
    given = [{"name": "first", "sites": draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))}]
    percents = draw(st.lists(st.integers(1, 100), max_size=3, unique=True).map(sorted))
    given += [{"name": f"p{percent}", "percent": percent} for percent in percents]  # type: ignore[list-item,dict-item]
    if draw(st.booleans()):
        given.insert(1, {"name": "pilots", "selectors": {"ring": "pilot"}})  # type: ignore[dict-item]
    return policy(*given), fleet


@settings(max_examples=200, deadline=None)
@given(fleets(), st.randoms(use_true_random=False))
def test_every_site_has_exactly_one_place(case: tuple[RolloutPolicySpec, list[Candidate]], shuffle: Any) -> None:
    spec, fleet = case
    try:
        selection = chosen(spec, fleet)
    except FleetctlError as error:
        assert isinstance(error, ConfigError | RefusedError)  # noqa: PT017
        return
    places = [each.candidate.name for each in selection.chosen] + [each.site for each in selection.left_out]
    assert sorted(places) == sorted(each.name for each in fleet)
    found = waves(selection)
    assert any(each.candidate.seen.status for each in selection.chosen if each.wave == spec.waves[0].name)
    order = [wave.name for wave in spec.waves if wave.name in found]
    assert list(found) == order
    assert set(selection.dropped) == {wave.name for wave in spec.waves} - set(order)
    total, so_far = len(selection.chosen), 0
    for wave in spec.waves:
        before, so_far = so_far, so_far + len(found.get(wave.name, []))
        if wave.percent is not None and so_far > before:
            assert so_far * 100 < wave.percent * total + 100
    shuffled = list(fleet)
    shuffle.shuffle(shuffled)
    assert chosen(spec, shuffled) == selection
