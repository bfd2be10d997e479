"""Adapters of a release on a box: taken in, sealed and switched with their model, and refused where they do not fit."""

from __future__ import annotations

import json

import pytest

from appliance.errors import NotVerifiedError, RefusedError, UnknownStateError
from appliance.release.record import load
from appliance.release.status import status
from appliance.release.switch import WentBackError
from tests.fakes.releases import USR_ROOT_HASH

from .conftest import Box, op


def with_adapters(box: Box, name: str, sequence: int, drafting: str, *adapters: str) -> None:
    """Publish a release with adapters and have everything of it arrive and staged."""
    kinds = {"style": ("visit_note",), "style-2": ("visit_note",), "letters": ("patient_letter",)}
    base = box.images[drafting]
    made = [box.images[each].adapter(base, each.partition("-")[0], kinds[each]) for each in adapters]
    box.publish(name, sequence, drafting, adapters=made)
    box.send(drafting, *adapters)
    box.machine.stage(op(1000 + sequence), name, "stable")


def hashes(box: Box, *names: str) -> list[str]:
    return [box.images[name].root_hash for name in names]


def test_an_adapter_is_offered_staged_activated_and_left_with_its_model(box: Box) -> None:
    base = box.images["new"]
    box.publish("r1", 1, "new", adapters=[box.images["style"].adapter(base)])
    offer = box.machine.offer("r1", "stable")
    assert not offer.refused
    assert [each.root_hash for each in offer.missing] == hashes(box, "new", "style")
    assert offer.missing[1].basis is None
    box.send("new", "style")
    box.machine.stage(op(1), "r1", "stable")
    assert box.machine.activate(op(2), "r1", 60, None).outcome == "done"
    assert box.adapters() == hashes(box, "style")
    found = status(box.parts).active
    assert found is not None
    assert (found.complete, list(found.adapters)) == (True, hashes(box, "style"))
    # The next one has another adapter of that name and one more: both are switched, the model stays.
    with_adapters(box, "r2", 2, "new", "style-2", "letters")
    stops = box.services.events.count("stop transcription")
    box.machine.activate(op(3), "r2", 60, None)
    assert box.adapters() == hashes(box, "style-2", "letters")
    assert box.services.events.count("stop transcription") == stops
    assert box.services.events.count("stop drafting") == 2
    # Back with its own, and no place keeps the other's.
    box.machine.rollback(op(4), "notes are too long", 60)
    assert box.adapters() == hashes(box, "style")
    box.publish("r3", 3, "new")
    box.machine.stage(op(5), "r3", "stable")
    box.machine.activate(op(6), "r3", 60, None)
    assert box.adapters() == []
    assert "adapters" not in json.loads(box.places.seal.read_text())
    # What no set names is given up.
    assert box.places.image(box.images["style"].root_hash).exists()
    assert not box.places.image(box.images["letters"].root_hash).exists()


def test_an_offer_names_the_older_adapter_as_basis(box: Box) -> None:
    with_adapters(box, "r1", 1, "new", "style")
    box.machine.activate(op(1), "r1", 60, None)
    box.publish("r2", 2, "new", adapters=[box.images["style-2"].adapter(box.images["new"])])
    (wanted,) = box.machine.offer("r2", "stable").missing
    assert (wanted.root_hash, wanted.basis) == tuple(hashes(box, "style-2", "style"))


def test_an_adapter_that_does_not_load_takes_the_release_back(box: Box) -> None:
    with_adapters(box, "r1", 1, "new", "style")
    box.machine.activate(op(1), "r1", 60, None)
    with_adapters(box, "r2", 2, "new", "style-2")
    box.services.bad.add(box.images["style-2"].root_hash)
    with pytest.raises(WentBackError, match="r1 runs again"):
        box.machine.activate(op(2), "r2", 60, None)
    assert box.adapters() == hashes(box, "style")
    assert [each.release for each in load(box.places.record).denied] == ["r2"]


def test_an_engine_that_does_not_serve_what_is_sealed_is_no_success(box: Box) -> None:
    with_adapters(box, "r1", 1, "new", "style")
    box.services.start = lambda tasks, start=box.services.start: (start(tasks), box.services.served.clear())  # type: ignore[method-assign,misc,assignment]
    with pytest.raises(WentBackError, match="drafting serves the adapters none, wanted are"):
        box.machine.activate(op(2), "r1", 60, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": 128}, "adapters: style has rank 128, the engine here takes 64 at most"),
        ({"kinds": ("visit_note", "horoscope")}, "adapters: style is for horoscope, which this box does not draft"),
        ({"memory_mib": 9000}, "memory: the models need"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_touched(
    change: dict[str, object], words: str, box: Box
) -> None:
    box.publish("r1", 1, "new", adapters=[box.images["style"].adapter(box.images["new"], **change)])  # type: ignore[arg-type]
    (said,) = box.machine.offer("r1", "stable").refused
    assert said.startswith(words)
    before = (box.places.seal.read_bytes(), box.linked())
    box.send("new", "style")
    with pytest.raises(RefusedError, match=words.split(":")[0]):
        box.machine.stage(op(1), "r1", "stable")
    assert (box.places.seal.read_bytes(), box.linked()) == before
    assert load(box.places.record).staged is None


def test_a_changed_adapter_is_not_taken_in(box: Box) -> None:
    box.publish("r1", 1, "new", adapters=[box.images["style"].adapter(box.images["new"])])
    box.send("new", "style")
    path = box.places.arrived / f"{box.images['style'].root_hash}.raw"
    content = bytearray(path.read_bytes())
    content[30_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(NotVerifiedError, match="the image of style has SHA-256"):
        box.machine.stage(op(1), "r1", "stable")
    assert not path.exists()


def test_what_the_provisioning_has_sealed_is_adopted(box: Box) -> None:
    style = box.images["style"].adapter(box.images["old"])
    name = f"adapter.{style.digest}.raw"
    (box.places.models / name).write_bytes(box.images["style"].path.read_bytes())
    box.places.adapter_link(0).symlink_to(name)
    seal = json.loads(box.places.seal.read_text())
    sealed = {key: getattr(style, key) for key in ("name", "digest", "root_hash", "rank")} | {"kinds": ["visit_note"]}
    box.places.seal.write_text(json.dumps(seal | {"adapters": [sealed]}))
    box.services.stop(["drafting"])
    box.services.start(["drafting"])
    box.staged("r1", 1, "new")
    box.machine.activate(op(1), "r1", 60, None)
    assert box.adapters() == []
    box.machine.rollback(op(2), "too slow", 60)
    assert box.adapters() == hashes(box, "style")
    assert str(box.places.adapter_link(0).readlink()) == name


def test_a_link_that_leads_to_another_adapter_is_not_guessed_at(box: Box) -> None:
    with_adapters(box, "r1", 1, "new", "style", "letters")
    box.machine.activate(op(1), "r1", 60, None)
    first, second = box.places.adapter_link(0), box.places.adapter_link(1)
    words = (first.readlink(), second.readlink())
    for link, word in zip((first, second), reversed(words), strict=True):
        link.unlink()
        link.symlink_to(word)
    with pytest.raises(UnknownStateError, match=r"adapter-0\.raw leads to image"):
        box.machine.offer("r1", "stable")


def test_a_release_without_adapters_is_written_as_before_there_were_any(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.machine.activate(op(1), "r1", 60, None)
    assert b"adapter" not in box.places.record.read_bytes()
    assert "adapters" not in status(box.parts).model_dump_json()
    assert USR_ROOT_HASH in box.places.seal.read_text()
