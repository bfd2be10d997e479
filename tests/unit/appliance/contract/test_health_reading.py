"""A snapshot of one version older, ours, and one newer; and everything that is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.health import SINCE_V3, HealthSnapshot, Verdict
from appliance.contract.health_reading import MAX_BYTES, MAX_DEPTH, SnapshotError, read_snapshot
from tests.fakes.site import snapshot

# What the agents of health/v2 (commit 15ca2de) and health/v3 answered with good facts, but for the host name; and v3 as
# a newer agent may change it: another part, another kind of drive, more members, a fault that says more.
DATA = Path(__file__).parents[3] / "data/health"
V2 = json.loads((DATA / "v2.json").read_text())
V3: dict[str, Any] = json.loads(snapshot().model_dump_json())
FAULT = {
    "id": "xid79-3b1c9a", "check": "gpu_xid", "code": 79, "subject": "0000:17:00.0",
    "first_seen": "2026-11-22T12:00:00Z", "last_seen": "2026-11-22T12:00:00Z", "first_boot_id": "ab",
    "last_boot_id": "ab", "count": 1, "count_24h": 1, "state": "open", "verdict": "critical", "reason": "Xid 79",
}  # fmt: skip


def read(document: Any) -> HealthSnapshot:
    return read_snapshot(json.dumps(document).encode())


def test_an_older_box_is_understood_and_what_it_cannot_report_is_named() -> None:
    found = read(V2)
    assert (found.schema_version, found.verdict) == ("health/v2", Verdict.OK)
    assert found.not_reported() == SINCE_V3
    assert set(found.parts()) == {
        "image", "services", "models", "gateway", "storage", "isolation", "disk", "clock"
    }  # fmt: skip
    assert all(part.verdict is Verdict.OK for part in found.parts().values())


@pytest.mark.parametrize("name", ["image", "storage", "clock"])
def test_a_part_that_an_older_box_must_have_is_unknown_without_it(name: str) -> None:
    assert read({key: value for key, value in V2.items() if key != name}).parts()[name].verdict is Verdict.UNKNOWN


def test_ours_comes_back_as_it_was() -> None:
    found = read(V3)
    assert found == snapshot()
    assert (found.not_reported(), found.other_parts) == ((), {})
    assert "other_parts" not in V3


@pytest.mark.parametrize("name", sorted(snapshot().parts()))
@pytest.mark.parametrize("version", ["health/v3", "health/v4"])
def test_a_part_that_is_missing_is_unknown(version: str, name: str) -> None:
    without = {key: value for key, value in V3.items() if key != name} | {"schema_version": version}
    for document in (without, without | {name: None}):
        part = read(document).parts()[name]
        assert part.verdict is Verdict.UNKNOWN
        assert "missing" in part.reason


def test_the_captured_documents_of_ours_and_of_a_newer_agent() -> None:
    ours = read_snapshot((DATA / "v3.json").read_bytes())
    assert {part.verdict for part in ours.parts().values()} == {Verdict.OK}
    found = read_snapshot((DATA / "v4.json").read_bytes())
    assert {name for name, part in found.parts().items() if part.verdict is not Verdict.OK} == {"fans"}
    assert found.other_parts["fans"].next_action == "replace the fan"
    # Its drives are of a kind that we do not know: the part's own words stay, its details do not.
    assert (found.storage.reason, found.storage.drives) == (ours.storage.reason, ())
    assert [fault.id for fault in found.faults] == ["fan-2"]
    with pytest.raises(SnapshotError):
        read(json.loads((DATA / "v4.json").read_text()) | {"schema_version": "health/v3"})


def newer(**changes: Any) -> dict[str, Any]:
    return V3 | {"schema_version": "health/v4"} | changes


def test_a_newer_box_is_understood_as_far_as_we_can() -> None:
    quiet = {"verdict": "degraded", "reason": "loud", "next_action": "listen", "level_db": 70}
    document = newer(new_member={"any": ["thing"]}, noise=quiet)
    document["clock"] = document["clock"] | {"drift_ppm": 3.5}
    found = read(document)
    assert found.parts()["noise"].model_dump() == {"verdict": "degraded", "reason": "loud", "next_action": "listen"}
    assert found.clock.verdict is Verdict.OK
    assert read_snapshot(found.model_dump_json().encode()) == found


def test_a_part_whose_form_changed_keeps_its_verdict() -> None:
    document = newer(disk={"verdict": "critical", "reason": "full", "file_systems": {"/": "none left"}})
    assert (read(document).disk.verdict, read(document).disk.reason) == (Verdict.CRITICAL, "full")


@pytest.mark.parametrize("part", [{"verdict": "excellent", "reason": "r"}, {"verdict": "ok"}, "ok", 7])
def test_a_part_that_is_not_understood_is_unknown(part: Any) -> None:
    assert read(newer(disk=part)).disk.verdict is Verdict.UNKNOWN
    if isinstance(part, dict):
        assert read(newer(strange=part)).parts()["strange"].verdict is Verdict.UNKNOWN


def test_a_fault_that_is_not_understood_is_not_lost() -> None:
    strange = FAULT | {"state": "suspected"}
    found = read(newer(faults=[FAULT | {"colour": "red"}, strange]))
    assert [fault.id for fault in found.faults] == ["xid79-3b1c9a"]
    assert found.parts()["faults"].verdict is Verdict.UNKNOWN
    assert read(newer(faults="none")).parts()["faults"].verdict is Verdict.UNKNOWN
    assert "faults" not in read(newer(faults=[FAULT])).parts()


@pytest.mark.parametrize("version", ["health/v1", "health/v5", "health/v99"])
def test_two_versions_away_is_refused(version: str) -> None:
    with pytest.raises(SnapshotError, match="two or more versions") as refused:
        read(V3 | {"schema_version": version})
    assert refused.value.why == "version"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "garbage"),
        (b"<html>", "garbage"),
        (b"[]", "garbage"),
        (b"null", "garbage"),
        (b"{}", "garbage"),
        (b'{"schema_version": "health/v3"}', "garbage"),
        (b'{"schema_version": 3}', "garbage"),
        (json.dumps(V3).encode()[:-9], "garbage"),
        (b"\xff\xfe" + json.dumps(V3).encode(), "garbage"),
        (json.dumps(V3).replace("100.0", "NaN").encode(), "garbage"),
        (json.dumps(V3 | {"box": "x" * 101}).encode(), "garbage"),
        (json.dumps(V3 | {"new": 1}).encode(), "garbage"),
        (json.dumps(V2 | {"disk": V2["disk"] | {"new": 1}}).encode(), "garbage"),
        (json.dumps(V3 | {"taken_at": "2026-11-22T12:00:00"}).encode(), "garbage"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (b"[" * (MAX_DEPTH + 1), "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b'{"a": "' + b"[" * 50 + b'\\"' + b"{" * 50 + b'"}', "garbage"),  # brackets in a string nest nothing
    ],
)
def test_garbage_is_refused_with_a_reason(body: bytes, why: str) -> None:
    with pytest.raises(SnapshotError) as refused:
        read_snapshot(body)
    assert refused.value.why == why
    assert len(str(refused.value)) <= 300
