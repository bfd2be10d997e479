"""Orders to the release machine: what each does, refuses and remembers."""

from __future__ import annotations

from appliance.release.status import status

from .conftest import Box, op


def test_an_update_is_offered_staged_activated_and_rolled_back(box: Box) -> None:
    box.publish("r1", 1, "new")
    offer = box.machine.offer("r1", "stable")
    assert not offer.refused
    assert [(each.task, each.root_hash) for each in offer.missing] == [("drafting", box.images["new"].root_hash)]
    assert offer.missing[0].basis == box.images["old"].root_hash
    box.send("new")
    assert box.machine.stage(op(1), "r1", "stable").outcome == "done"
    found = status(box.parts)
    assert found.staged is not None
    assert found.staged.complete
    assert found.active is not None
    assert found.active.release is None
    assert box.machine.activate(op(2), "r1", 60, None).outcome == "done"
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["new"].root_hash
    # Only the engine whose model changed was stopped.
    assert "stop transcription" not in box.services.events
    assert not box.drain.on
    found = status(box.parts)
    assert (found.active.release, found.previous.release, found.staged) == ("r1", None, None)  # type: ignore[union-attr]
    assert box.machine.rollback(op(3), "too slow", 60).outcome == "done"
    assert box.sealed()["drafting"] == box.images["old"].root_hash
    assert box.linked() == box.sealed() == box.services.running
    # The link is the one that the provisioning made.
    assert str(box.places.link("drafting").readlink()) == "tiny-old.raw"
    found = status(box.parts)
    assert [each.release for each in found.denied] == ["r1"]
    assert found.previous is None
    assert box.machine.offer("r1", "stable").refused
    box.machine.clear(op(4), "r1")
    assert not box.machine.offer("r1", "stable").refused
