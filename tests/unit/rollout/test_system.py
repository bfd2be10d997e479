"""A release with an operating system: planned as a start of the site, watched through it, and bounded."""

from __future__ import annotations

from dataclasses import replace

from appliance.contract.release import ReleaseManifest
from fleetctl.report.rollout_plan import plan_lines, shown_plan
from fleetctl.rollout import gates_health
from fleetctl.rollout.gates import Asked
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.selection import Seen, select
from fleetctl.rollout.story import Known, explain
from tests.fakes import site as fake
from tests.fakes.boxes import set_of
from tests.fakes.rollouts import RELEASE, Bench, bench, named, plan
from tests.fakes.systems import System
from tests.unit.rollout.plans import NEW, NOW, policy, site, subject
from tests.unit.rollout.plans import plan as made_plan

USR = "c3" * 32


def with_system(release: ReleaseManifest, usr: str = USR) -> ReleaseManifest:
    parts = {"usr": b"u" * 5000, "verity": b"v" * 400, "signature": b"s" * 40, "kernel": b"k" * 60}
    component = System("0.2.0", usr, parts).component()
    return release.model_copy(update={"system": component, "usr_root_hashes": (usr,)})


def test_a_plan_says_which_sites_start_anew_and_counts_the_bytes() -> None:
    release = with_system(NEW)
    old = site("north")
    status = old.seen.status
    assert status is not None
    has = site("south", seen=Seen(status.model_copy(update={"site": "south", "usr_root_hash": USR})))
    away = site("west", seen=Seen(None, "no answer", offline=True))
    found = made_plan(subject([old, has, away], release=release))
    assert {each.site: each.restarts for each in found.sites} == {"north": True, "south": False, "west": True}
    sizes = {each.site: each.bytes_expected for each in found.sites}
    models = 2 << 20
    assert release.system is not None
    assert sizes == {"north": models + 5500, "south": models, "west": models + 5500}
    text = " ".join(line.text for line in plan_lines(shown_plan(found, None), NOW, 400))
    assert "2 sites start anew with another operating system" in text
    assert text.count("starts anew with another operating system") == 2
    # The same models on the same system: nothing starts.
    assert not any(each.restarts for each in made_plan(subject([old, has, away])).sites)


def test_a_site_with_another_os_image_takes_a_release_that_brings_its_own() -> None:
    other = replace(site("c"), usr_root_hash="0" * 64)
    for release, left_out in ((NEW, ["c"]), (with_system(NEW), [])):
        found = select(policy(), release, [site("north"), other], selectors={}, now=NOW, source="policy.yaml")
        assert [each.site for each in found.left_out] == left_out


def test_the_health_gate_wants_the_system_to_run_behind_the_switch() -> None:
    release = with_system(RELEASE)
    models = [
        {"task": model.task, "name": model.name, "root_hash": model.root_hash} for model in release.models
    ]  # fmt: skip
    loaded = {"verdict": "ok", "reason": "x", "loaded": models}
    image = {"verdict": "ok", "reason": "compared", "usr_root_hash": USR}
    after = Asked(named("s1"), release, "after")
    assert gates_health.judged(fake.snapshot(site="s1", models=loaded, image=image), after).passed
    image["usr_root_hash"] = "0" * 64
    result = gates_health.judged(fake.snapshot(site="s1", models=loaded, image=image), after)
    assert "the system 000000000000 runs, the release has c3c3c3c3c3c3" in result.reason


def starting_anew(journal: Journal) -> Bench:
    """A rollout whose canary has begun to start anew: the order was answered, and then nothing is."""
    run = bench(journal, plan({"canary": 1}, site_timeout="30m"))
    (name,) = run.states()
    box = run.sources.boxes[name]
    box.script("activate", "hangs")
    run.run(until=lambda: any(each.outcome is None for each in box.changes))
    box.phase = "rebooting"
    return run


def test_a_site_that_starts_anew_is_waited_for_and_ordered_once(journal: Journal) -> None:
    run = starting_anew(journal)
    (name,) = run.states()
    box = run.sources.boxes[name]
    for _ in range(8):
        run.turn()
    found = journal.find(run.plan.id)
    words = explain(journal, found, name, run.clock.utc, Known({})).says
    assert "starts anew with the release's operating system, and does not answer until it has" in words
    box.reachable = False
    for _ in range(60):
        run.turn()
    assert run.states() == {name: "offline"}
    box.reachable = True
    box.boot += 1
    box.finish()
    run.run()
    assert run.states() == {name: "done"}
    assert box.switches == [RELEASE.name]
    assert [verb for verb, _ in box.calls].count("activate") == 1
    assert box.active == set_of(RELEASE)


def test_a_site_that_does_not_come_back_is_a_failure_within_its_time(journal: Journal) -> None:
    run = starting_anew(journal)
    (name,) = run.states()
    run.sources.boxes[name].reachable = False
    begun = run.clock.mono
    run.run(until=lambda: run.states()[name] == "timed_out")
    assert run.states() == {name: "timed_out"}
    assert 1500 < run.clock.mono - begun < 2100


def test_a_site_that_fell_back_is_rolled_back(journal: Journal) -> None:
    run = starting_anew(journal)
    (name,) = run.states()
    box = run.sources.boxes[name]
    box.finish("rolled_back")
    run.run()
    assert run.states() == {name: "rolled_back"}
