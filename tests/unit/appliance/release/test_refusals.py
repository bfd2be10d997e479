"""Each reason for which a box will not have a release, before anything is touched; and all of them at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from appliance.errors import RefusedError
from appliance.release.disk import Disk
from appliance.release.record import Record, keep, load

from .conftest import START, Box, op


def changed(box: Box, **changes: Any) -> None:
    seal = json.loads(box.places.seal.read_text()) | changes
    box.places.seal.write_text(json.dumps(seal))


def drafting(box: Box, **settings: Any) -> None:
    box.places.drafting_settings.write_text(json.dumps(settings))


def small_memory(box: Box) -> None:
    box.places.memory.write_text("MemTotal: 540000 kB\n")


def other_usr(box: Box) -> None:
    box.places.command_line.write_text(f"usrhash={'c' * 64}\n")
    changed(box, usr_root_hash="c" * 64)


def sealed_other_usr(box: Box) -> None:
    changed(box, usr_root_hash="c" * 64)


def full(box: Box) -> None:
    box.free_bytes = 1 << 30


def follows_candidate(box: Box) -> None:
    box.places.channel.write_text("candidate\n")


def vllm(box: Box) -> None:
    drafting(box, engine="vllm", cards=1, card_memory_mib=8000, transcription_mib=4000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (follows_candidate, "channel: this site follows candidate, the release is offered in stable"),
        (other_usr, f"OS image: the box runs /usr {'c' * 12}, the release was made for {'a' * 12}"),
        (sealed_other_usr, f"OS image: the box runs /usr {'a' * 12}, sealed is {'c' * 12}"),
        (small_memory, "memory: the models need 32 MiB, the machine has 15 MiB for them"),
        (full, "disk: 1 MiB have to come and 2048 MiB stay free; 1024 MiB are free"),
        (vllm, "engine: the box drafts with vllm, the release was made for llama.cpp"),
    ],
)
def test_a_box_that_does_not_fit_says_why(change: Callable[[Box], None], words: str, box: Box) -> None:
    box.publish("r1", 1, "new")
    change(box)
    offer = box.machine.offer("r1", "stable")
    assert offer.refused == (words,)
    assert offer.missing == ()
    before = (box.places.seal.read_bytes(), box.linked())
    if change is full:
        # With the image here nothing has to come any more: that is no reason against it then.
        return
    box.send("new")
    with pytest.raises(RefusedError, match=words.split(":")[0]):
        box.machine.stage(op(1), "r1", "stable")
    ended = load(box.places.record).found(op(1))
    assert ended is not None
    assert (ended.outcome, ended.exit_code) == ("refused", 6)
    assert (box.places.seal.read_bytes(), box.linked()) == before
    assert load(box.places.record).staged is None


def test_all_reasons_are_collected(box: Box) -> None:
    box.publish("r1", 1, "new")
    for change in (follows_candidate, other_usr, small_memory, full):
        change(box)
    assert len(box.machine.offer("r1", "stable").refused) == 4


def test_tasks_are_those_of_the_site(box: Box) -> None:
    found = box.publish("r1", 1, "new")
    speech = found.model_for("transcription")
    assert speech is not None
    box.repository.publish("stable", found.model_copy(update={"name": "r2", "sequence": 2, "models": (speech,)}))
    box.send_metadata()
    assert box.machine.offer("r2", "stable").refused == (
        "drafting: this site runs it, and the release has no model for it",
    )
    models = [each for each in json.loads(box.places.seal.read_text())["models"] if each["task"] == "transcription"]
    changed(box, models=models)
    box.places.link("drafting").unlink()
    assert "drafting: this site was not provisioned for it" in box.machine.offer("r1", "stable").refused


def test_cards_are_reckoned_as_the_engine_takes_them(box: Box) -> None:
    vllm(box)
    changed(box, engine={"name": "vllm-1", "root_hash": "e" * 64})
    found = box.publish("r1", 1, "new")
    large = tuple(
        each.model_copy(update={"memory_mib": {"drafting": 5000, "transcription": 4001}[each.task]})
        for each in found.models
    )
    update = {"name": "r2", "sequence": 2, "engine": "vllm", "engine_root_hash": "f" * 64, "models": large}
    box.repository.publish("stable", found.model_copy(update=update))
    box.send_metadata()
    assert box.machine.offer("r2", "stable").refused == (
        f"engine: the box has image {'e' * 12}, the release was made for {'f' * 12}",
        "GPU memory: drafting needs 5000 MiB, the cards have 4000 MiB for it",
        "GPU memory: transcription needs 4001 MiB, 4000 MiB of a card are set aside for it",
    )


def test_nothing_older_than_what_runs(box: Box) -> None:
    box.staged("r2", 2, "new")
    box.machine.activate(op(12), "r2", 60, None)
    box.publish("r1", 1, "newer")
    assert "sequence 1 is older than 2 of r2, which runs" in box.machine.offer("r1", "stable").refused[0]
    box.publish("twin", 2, "newer")
    assert "is that of r2, which runs and is another release" in box.machine.offer("twin", "stable").refused[0]


def test_nothing_below_the_minimum_also_where_nothing_newer_runs_any_more(box: Box) -> None:
    """A site that was provisioned anew runs what has no sequence; what it once accepted still counts."""
    box.places.record.parent.mkdir(parents=True, exist_ok=True)
    keep(box.places.record, Record(minimum_sequence=2), Disk())
    box.publish("r1", 1, "new")
    assert box.machine.offer("r1", "stable").refused == ("sequence 1 is below 2, the least this box accepts",)
    box.publish("r2", 2, "new")
    assert box.machine.offer("r2", "stable").refused == ()


def test_the_minimum_outlives_a_rollback_that_it_forbids(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.machine.activate(op(11), "r1", 60, None)
    box.staged("r3", 3, "newer", minimum_sequence=2)
    box.machine.activate(op(13), "r3", 60, None)
    assert load(box.places.record).minimum_sequence == 2
    with pytest.raises(RefusedError, match="nothing below 2 is accepted"):
        box.machine.rollback(op(14), "slow", 60)
    assert box.sealed()["drafting"] == box.images["newer"].root_hash
    # A later release with a lower minimum does not lower it.
    box.staged("r4", 4, "new", minimum_sequence=0)
    box.machine.activate(op(15), "r4", 60, None)
    assert load(box.places.record).minimum_sequence == 2


def test_the_minimum_counts_only_once_it_runs(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.machine.activate(op(11), "r1", 60, None)
    box.staged("r3", 3, "newer", minimum_sequence=3)
    assert load(box.places.record).minimum_sequence == 0
    box.probe.bad.add(box.images["newer"].root_hash)
    with pytest.raises(Exception, match="runs again"):
        box.machine.activate(op(13), "r3", 60, None)
    assert load(box.places.record).minimum_sequence == 0


def test_no_switch_begins_too_late(box: Box) -> None:
    box.staged("r1", 1, "new")
    with pytest.raises(RefusedError, match="no switch may begin after"):
        box.machine.activate(op(2), "r1", 60, START - timedelta(seconds=1))
    assert box.drain.begun == 0
    # The window ends while visits are waited for.
    box.drain.visits = [1, 1, 0]
    real = box._sleep

    def sleep(seconds: float) -> None:
        real(seconds)
        box.clock[0] += timedelta(seconds=30)

    box._sleep = sleep  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="no switch may begin after"):
        box.machine.activate(op(3), "r1", 600, START + timedelta(seconds=20))
    assert not box.drain.on
    assert box.services.events[-1].startswith("load")
    assert not any(event.startswith("stop") for event in box.services.events)


def test_a_visit_that_goes_on_is_not_cut(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.drain.visits = [3, 2, 1]
    with pytest.raises(RefusedError, match="there is still work: 1 visits"):
        box.machine.activate(op(2), "r1", 60, None)
    assert not box.drain.on
    assert not any(event.startswith("stop") for event in box.services.events)
    box.drain.visits = [3, 2, 0]
    assert box.machine.activate(op(3), "r1", 60, None).outcome == "done"


def test_what_is_in_work_has_to_be_known(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.drain.visits = [None]
    with pytest.raises(RefusedError, match="not known what is in work"):
        box.machine.activate(op(2), "r1", 600, None)
    assert box.elapsed_s < 60
    # A gateway that has just been started answers a little later.
    box.drain.visits = [None, None, 0]
    assert box.machine.activate(op(3), "r1", 600, None).outcome == "done"


def test_the_site_lock_of_somebody_else_is_honoured(box: Box) -> None:
    box.staged("r1", 1, "new")
    lock = {
        "owner": "ana", "host": "desk-2", "reason": "provision", "taken_at": "2026-11-26T11:00:00Z",
        "expires_at": "2026-11-26T13:00:00Z", "token_sha256": "0" * 64,
    }  # fmt: skip
    box.places.site_lock.write_text(json.dumps(lock))
    for order in (
        lambda: box.machine.activate(op(2), "r1", 60, None),
        lambda: box.machine.stage(op(3), "r1", "stable"),
        lambda: box.machine.clear(op(4), "r1"),
    ):
        with pytest.raises(RefusedError, match=r"locked by ana on desk-2 \(provision\)"):
            order()
    assert box.machine.offer("r1", "stable").refused == ()
    box.clock[0] = START + timedelta(hours=2)
    assert box.machine.activate(op(2), "r1", 60, None).outcome == "done"
    box.places.site_lock.write_text("{")
    with pytest.raises(RefusedError, match="the lock file is damaged"):
        box.machine.rollback(op(5), "x", 60)


def test_one_order_at_a_time_and_none_beside_a_provisioning_step(box: Box) -> None:
    import fcntl

    box.publish("r1", 1, "new")
    for path, words in ((box.places.own_lock, "being changed by"), (box.places.turn, "being changed by fleet_seal")):
        path.write_text("fleet_seal, process 7")
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(RefusedError, match=words):
                box.machine.offer("r1", "stable")
    assert box.machine.offer("r1", "stable").refused == ()
