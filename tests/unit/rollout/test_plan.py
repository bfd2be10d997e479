"""A plan says what was known, what is expected, and nothing that was not measured."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, RefusedError, UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.rollout.plan import seconds_expected
from fleetctl.rollout.plan_sites import ask, candidates
from fleetctl.rollout.selection import Seen
from fleetctl.store.store import Store
from tests.fakes.boxes import FakeBox
from tests.fakes.observed import kept
from tests.fakes.sets import PROVISIONED, set_of
from tests.fakes.site import SITE
from tests.unit.rollout.plans import FLEET, NEW, NOW, OLD, plan, policy, site, subject


def test_what_is_known_of_each_site() -> None:
    found = {each.site: each for each in plan().sites}
    assert {name: each.wave for name, each in found.items()} == {"north": "canary", "south": "rest", "west": "rest"}
    assert found["north"].running is None
    assert found["north"].models == {"transcription": "b2" * 32, "drafting": "b7" * 32}
    assert found["south"].running is not None
    assert found["south"].running.name == "old-1"
    assert (found["west"].reachable, found["west"].running, found["west"].models) == (False, None, {})


def test_bytes_are_those_of_missing_images_and_all_where_nothing_is_known() -> None:
    half = site("east")
    status = half.seen.status
    assert status is not None
    there = {NEW.models[0].root_hash: 1 << 20}
    half = site("east", seen=Seen(status.model_copy(update={"images": there})))
    found = {each.site: each.bytes_expected for each in plan(subject([*FLEET, half])).sites}
    assert found == {"north": 2 << 20, "south": 2 << 20, "east": 1 << 20, "west": 2 << 20}


@pytest.mark.parametrize(("complete", "wanted"), [(True, 1 << 20), (False, 2 << 20)])
def test_an_image_that_runs_is_there_though_no_list_of_images_has_it(complete: bool, wanted: int) -> None:
    """A box that never had a release keeps no images of its own yet; what was provisioned serves all the same."""
    mine = PROVISIONED.model_copy(
        update={"models": {"transcription": NEW.models[0].root_hash, "drafting": "b7" * 32}, "complete": complete}
    )
    status = site("east", active=mine).seen.status
    assert status is not None
    east = site("east", seen=Seen(status.model_copy(update={"images": {}})))
    assert {each.site: each.bytes_expected for each in plan(subject([*FLEET, east])).sites}["east"] == wanted


@pytest.mark.parametrize(
    ("size", "limit", "rate", "wanted"),
    [
        (10 << 20, None, None, None),
        (10 << 20, 1024, None, 10),
        (10 << 20, None, 5e5, 21),
        (10 << 20, 1024, 2e9, 10),
        (10 << 20, 100_000, 1 << 20, 10),
        (1, 64, None, 1),
        (0, None, None, 0),
    ],
)
def test_seconds_by_the_slower_of_limit_and_measured_rate(
    size: int, limit: int | None, rate: float | None, wanted: int | None
) -> None:
    assert seconds_expected(size, limit, rate) == wanted


def test_rates_are_of_the_site() -> None:
    rates = {"north": float(1 << 20)}
    found = {each.site: each.seconds_expected for each in plan(rates=rates.get).sites}
    assert found == {"north": 2, "south": None, "west": None}


def test_a_wave_without_sites_is_dropped_and_its_gate_is_not() -> None:
    waves = [
        {"name": "canary", "sites": ["north"]},
        {"name": "pilots", "selectors": {"ring": "pilot"}, "promote": "human"},
        {"name": "rest", "percent": 100},
    ]
    made = plan(subject(policy=policy(waves=waves)))
    assert [(wave.name, wave.canary, wave.promote) for wave in made.waves] == [
        ("canary", True, "human"),
        ("rest", False, "auto"),
    ]


def test_windows_in_words_and_a_site_without_one() -> None:
    window = {"name": "night", "time_zone": "Europe/Berlin", "days": ["mon"], "start": "22:00", "duration": "4h"}
    made = plan(subject(policy=policy(windows={"activation": [window]})))
    assert {each.activation for each in made.sites} == {"Mon 22:00 for 4h (Europe/Berlin)"}
    with pytest.raises(ConfigError, match="activation: no window is for south, west"):
        plan(subject(policy=policy(windows={"activation": [window | {"sites": ["north"]}]})))
    with pytest.raises(ConfigError, match="download: no window is for north"):
        plan(subject(policy=policy(windows={"download": [window | {"sites": ["south", "west"]}]})))


def test_a_clinical_gate_beside_an_engine_that_fills_its_cards_is_no_plan() -> None:
    clinical = {"evaluation_set": "visits"}
    given = subject(policy=policy(gates={"clinical": clinical}))
    assert plan(given).policy.gates.clinical is not None
    cards = replace(
        given,
        release=given.release.model_copy(update={"engine": "vllm"}),
        candidates=[replace(each, engine="vllm") for each in given.candidates],
    )
    with pytest.raises(ConfigError, match="is for vllm, whose cards hold one drafting model at a time") as caught:
        plan(cards)
    assert "engines_rest: true" in (caught.value.hint or "")
    rests = policy(gates={"clinical": clinical | {"engines_rest": True}})
    assert [each.site for each in plan(replace(cards, policy=rests)).sites] == [each.site for each in plan(given).sites]


def test_the_policy_and_the_selectors_are_frozen_in_it() -> None:
    fleet = [site("north", {"ring": "pilot"}), site("south")]
    made = plan(subject(fleet, selectors={"ring": "pilot"}))
    assert made.policy == policy()
    assert made.selectors == {"ring": "pilot"}
    assert [(each.site, each.labels) for each in made.sites] == [("north", {"ring": "pilot"})]
    assert [each.site for each in made.left_out] == ["south"]


def test_the_same_fleet_gives_the_same_bytes() -> None:
    assert plan().content() == plan(subject(tuple(reversed(FLEET)))).content()


def test_a_plan_that_no_file_may_hold_is_refused() -> None:
    labels = {f"label-{number}": "x" * 60 for number in range(8)}
    fleet = [site("north"), *(site(f"s{number}", labels) for number in range(500))]
    fleet += [site(f"t{number}", labels) for number in range(100)]
    with pytest.raises(RefusedError, match="601 sites has") as problem:
        plan(subject(fleet))
    assert "-l" in problem.value.hint


def named(name: str) -> Site:
    return SITE.model_copy(update={"metadata": SITE.metadata.model_copy(update={"name": name})})


class Answers:
    """Boxes by what their sites say."""

    def __init__(self, release: threading.Event) -> None:
        self.release, self.most, self._now = release, 0, 0
        self._lock = threading.Lock()

    def __call__(self, site: Site) -> FakeBox:
        if site.name == "gone":
            raise UnreachableError("no route", hint="")
        if site.name == "strange":
            raise VerificationError("another host key", hint="")
        if site.name == "slow":
            self.release.wait(60)
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        box = FakeBox("other" if site.name == "swapped" else site.name, clock=lambda: NOW)
        with self._lock:
            self._now -= 1
        return box


def test_every_site_is_asked_and_nobody_waits_for_the_slow_one() -> None:
    release = threading.Event()
    names = ["a", "b", "gone", "strange", "swapped", "slow"]
    told: list[str] = []
    try:
        found = ask(
            [named(name) for name in names],
            Answers(release),
            deadline_s=2,
            answered=lambda name, seen: told.append(name),
        )
    finally:
        release.set()
    assert list(found) == names
    assert found["a"].status is not None
    assert (found["gone"].offline, found["gone"].problem) == (True, "no route")
    assert (found["strange"].offline, found["strange"].problem) == (False, "another host key")
    assert (found["swapped"].status, found["swapped"].offline) == (None, False)
    assert (found["slow"].offline, found["slow"].problem) == (True, "no answer within 2 s")
    assert sorted(told) == sorted(set(names) - {"slow"})


def test_no_more_than_so_many_at_once() -> None:
    gate, inside, most = threading.Semaphore(0), 0, 0
    lock = threading.Lock()

    def boxes(site: Site) -> FakeBox:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 3:
                gate.release(20)
        gate.acquire(timeout=30)
        with lock:
            inside -= 1
        return FakeBox(site.name, clock=lambda: NOW)

    found = ask([named(f"s{number}") for number in range(12)], boxes, parallel=3)
    assert all(seen.status for seen in found.values())
    assert most == 3


def test_a_fault_of_ours_is_not_taken_for_an_offline_site() -> None:
    def boxes(site: Site) -> FakeBox:
        raise KeyError(site.name)

    with pytest.raises(KeyError):
        ask([named("a")], boxes)


def test_candidates_take_holds_pins_and_engines_from_the_files(fleet_dir: FleetDir) -> None:
    from fleetctl.actions.hold import new_hold, new_pin
    from fleetctl.models.rolloutfiles import write_hold, write_pin

    sites = [named("a"), named("b"), named("c")]
    hold = new_hold("a", reason="renovation", until=None, by="Ada")
    pin = new_pin("b", "old-1", reason="study", by="Ada")
    write_hold(fleet_dir.path, hold, replace=False)
    write_pin(fleet_dir.path, pin)
    seen = {each.name: Seen(None, "no answer", offline=True) for each in sites}
    a, b, c = candidates(fleet_dir, sites, seen, None)
    assert (a.hold, a.pin, b.pin, c.hold) == (hold, None, pin, None)
    assert {each.engine for each in (a, b, c)} == {"llama.cpp"}
    assert OLD.digest == set_of(OLD).digest


@pytest.mark.parametrize(
    ("boot", "known"), [("0f3c-77", True), ("0f3c77", True), ("another", False), ("", False), (None, False)]
)
def test_an_os_image_counts_only_for_the_boot_that_was_seen(
    fleet_dir: FleetDir, tmp_path: Path, boot: str | None, known: bool
) -> None:
    """A machine that was made anew under the same name runs another image than the store has seen."""
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    try:
        image = {"verdict": "ok", "reason": "compared", "usr_root_hash": "e5" * 32}
        store.keep([kept("a", boot_id="0f3c77", image=image)])
        status = None if boot is None else FakeBox("a").status().model_copy(update={"boot_id": boot})
        (found,) = candidates(fleet_dir, [named("a")], {"a": Seen(status)}, store)
    finally:
        store.close()
    assert found.usr_root_hash == ("e5" * 32 if known else None)
