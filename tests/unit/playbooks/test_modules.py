"""Decisions of the small modules: lock, escrow, interfaces, models, seal, time, listener."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import fleet_escrow
import fleet_lock
import fleet_model
import fleet_ruleset
import fleet_seal
import fleet_stack
import pytest
from ansible.module_utils.fleet_box import Box, Refusal
from ansible.module_utils.fleet_journal import Journal, Recovery, RootEntry, StateEntry, awaiting_escrow
from ansible.module_utils.fleet_ruleset_text import render

from appliance.contract.adapter import MAX_ADAPTERS
from appliance.contract.seal import Seal
from appliance.contract.units import PHI_UNITS

NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
CLAIM = {"token": "secret-token", "owner": "ann", "host": "ops-1", "reason": "provision", "expires_s": 600}
STATE_UUID, ROOT_UUID = "dcb245de-4cf1-400a-9b2f-f9d4e830071b", "99ea549e-4452-4140-ae90-3df8fa2731c6"


# --- lock


def moment(passed_s: float = 0, *, clock_set_by_s: float = 0, boot: str = "boot-1") -> fleet_lock.Moment:
    """`passed_s` after the lock was taken; a new boot counts its time from 0."""
    wall = NOW + datetime.timedelta(seconds=passed_s + clock_set_by_s)
    return fleet_lock.Moment(wall, boot, passed_s + (5000 if boot == "boot-1" else 0))


def taken() -> dict[str, str] | None:
    found: dict[str, str] | None = fleet_lock.parse_lock(json.dumps(fleet_lock.new_lock(CLAIM, moment())).encode())
    return found


def test_a_lock_holds_for_others_until_it_expires_and_never_for_its_owner() -> None:
    assert not fleet_lock.is_held_by_another(taken(), "secret-token", moment())
    assert fleet_lock.is_held_by_another(taken(), "other", moment(599))
    assert not fleet_lock.is_held_by_another(taken(), "other", moment(600))
    assert not fleet_lock.is_held_by_another(None, "other", moment())


def test_setting_the_clock_neither_ends_nor_prolongs_a_lock() -> None:
    for step_s in (-86400, 86400):
        assert fleet_lock.is_held_by_another(taken(), "other", moment(599, clock_set_by_s=step_s))
        assert not fleet_lock.is_held_by_another(taken(), "other", moment(600, clock_set_by_s=step_s))


def test_after_another_boot_the_clock_on_the_wall_decides() -> None:
    assert fleet_lock.is_held_by_another(taken(), "other", moment(599, boot="boot-2"))
    assert not fleet_lock.is_held_by_another(taken(), "other", moment(600, boot="boot-2"))


def test_a_lock_without_the_boot_is_judged_by_the_wall_clock() -> None:
    old = {key: value for key, value in fleet_lock.new_lock(CLAIM, moment()).items() if "boot" not in key}
    lock = fleet_lock.parse_lock(json.dumps(old).encode())
    assert fleet_lock.is_held_by_another(lock, "other", moment(599))
    assert not fleet_lock.is_held_by_another(lock, "other", moment(600))


def test_the_box_knows_its_boot_and_its_age() -> None:
    first, second = fleet_lock.read_moment(Box()), fleet_lock.read_moment(Box())
    assert len(first.boot_id) == 36
    assert first.boot_id == second.boot_id
    assert 0 < first.boot_s <= second.boot_s


def test_the_lock_file_does_not_give_the_token_away() -> None:
    assert "secret-token" not in json.dumps(fleet_lock.new_lock(CLAIM, moment()))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"owner": "x"}'])
def test_a_damaged_lock_is_held_by_someone_unknown(content: bytes) -> None:
    lock = fleet_lock.parse_lock(content)
    assert fleet_lock.is_held_by_another(lock, "other", moment())
    assert "damaged" in (lock or {})["owner"]


# --- escrow


def journal() -> Journal:
    def recovery(text: str) -> Recovery:
        return Recovery(text, hashlib.sha256(text.encode()).hexdigest(), ["age1x"], "t0", "t1")

    return Journal(
        StateEntry("ready", "raid1", ["A", "B"], "m", STATE_UUID, "f", "t0", recovery("one")),
        RootEntry("enrolled", ROOT_UUID, [0], recovery("two")),
    )


def test_a_confirmed_key_waits_no_longer_and_its_ciphertext_leaves_the_box() -> None:
    known = journal()
    assert [entry["volume"] for entry in awaiting_escrow(known)] == ["state", "root"]
    entry = {"luks_uuid": STATE_UUID, "ciphertext_sha256": hashlib.sha256(b"one").hexdigest(), "tested": False}
    assert fleet_escrow.record(known, [entry], "t2") == ["recorded the escrow of the state volume's recovery key"]
    assert [waiting["volume"] for waiting in awaiting_escrow(known)] == ["root"]
    assert known.state is not None
    assert known.state.recovery is not None
    assert (known.state.recovery.ciphertext, known.state.recovery.confirmed_at) == ("", "t2")
    assert fleet_escrow.record(known, [entry], "t3") == []


def test_a_confirmation_for_another_ciphertext_or_volume_is_refused() -> None:
    with pytest.raises(Refusal, match="is not the one that this box made"):
        fleet_escrow.record(journal(), [{"luks_uuid": STATE_UUID, "ciphertext_sha256": "0" * 64}], "t2")
    with pytest.raises(Refusal, match="No volume 1234"):
        fleet_escrow.record(journal(), [{"luks_uuid": "1234"}], "t2")


def test_a_test_is_recorded_with_its_time() -> None:
    known = journal()
    fleet_escrow.record(known, [{"luks_uuid": ROOT_UUID, "ciphertext_sha256": None, "tested": True}], "t9")
    assert known.root is not None
    assert known.root.recovery is not None
    assert known.root.recovery.last_test_at == "t9"


# --- isolation


def test_interfaces_are_found_by_mac_whatever_their_case() -> None:
    present = {"lo": "00:00:00:00:00:00", "enp0s4": "52:54:00:10:00:01", "enp0s5": "52:54:00:10:00:02"}
    macs = {"management": "52:54:00:10:00:01", "clinical": "52:54:00:10:00:02".upper()}
    assert fleet_ruleset.interface_names(macs, present) == {"management": "enp0s4", "clinical": "enp0s5"}
    with pytest.raises(Refusal, match=r"No interface with MAC address 52:54:00:10:00:09 .* enp0s4 52:54:00:10:00:01"):
        fleet_ruleset.interface_names({"management": "52:54:00:10:00:09"}, present)


def test_rules_that_would_cut_off_the_operator_are_refused() -> None:
    fleet_ruleset.check_session("10.0.2.2 41922 10.0.2.15 22", ["10.0.2.0/24"])
    fleet_ruleset.check_session("::ffff:10.0.2.2 41922 ::ffff:10.0.2.15 22", ["10.0.2.0/24"])
    fleet_ruleset.check_session("", ["10.0.2.0/24"])  # at the console
    with pytest.raises(Refusal, match=r"comes from 10\.9\.9\.9, which is in none of"):
        fleet_ruleset.check_session("10.9.9.9 41922 10.0.2.15 22", ["10.0.2.0/24"])


GOOD: dict[str, Any] = {
    "site": "lab-1",
    "interfaces": {"management": "eth0", "clinical": "eth1"},
    "networks": {"management": {"sources": ["10.0.2.0/24"]}, "clinical": {"sources": ["10.0.3.0/24"]}},
    "allow": [{"name": "ehr", "protocol": "tcp", "address": "10.0.2.2", "port": 7443}],
}


@pytest.mark.parametrize(
    "bad",
    [
        {"site": "x\nadd rule inet fleet output accept"},
        {"interfaces": {"management": 'eth0" accept #', "clinical": "e"}},
        {"networks": {"management": {"sources": []}, "clinical": {"sources": ["10.0.3.0/24"]}}},
        {"networks": {"management": {"sources": ["fe80::1%x"]}, "clinical": {"sources": ["10.0.3.0/24"]}}},
        {"networks": {"management": {"sources": ["0.0.0.0/0 } accept"]}, "clinical": {"sources": ["10.0.3.0/24"]}}},
        *(
            {"allow": [{**GOOD["allow"][0], **change}]}
            for change in (
                {"name": 'a" accept'},
                {"protocol": "tcp dport 1 accept"},
                {"address": "ehr.example"},
                {"address": "fe80::1%eth0 accept #"},
                {"port": 0},
                {"port": 65536},
            )
        ),
    ],
)
def test_a_value_that_is_not_what_it_should_be_reaches_no_rule(bad: dict[str, Any]) -> None:
    assert "accept" in render(**GOOD)
    with pytest.raises(ValueError):
        render(**{**GOOD, **bad})


# --- models


def model(directory: Path, content: bytes = b"weights") -> dict[str, str]:
    incoming = directory / ".incoming" / "tiny.raw"
    incoming.parent.mkdir()
    incoming.write_bytes(content)
    return {
        "task": "transcription",
        "name": "tiny",
        "sha256": hashlib.sha256(b"weights").hexdigest(),
        "root_hash": "ab" * 32,
    }


def test_a_verified_image_becomes_current_and_is_not_copied_again(tmp_path: Path) -> None:
    given = model(tmp_path)
    assert len(fleet_model.pending(tmp_path, given)) == 2
    fleet_model.publish(Box(), tmp_path, tmp_path / ".incoming" / "tiny.raw", given)
    assert fleet_model.pending(tmp_path, given) == []
    assert (tmp_path / "transcription.raw").read_bytes() == b"weights"
    assert not (tmp_path / ".incoming").exists()


def test_a_wrong_image_is_refused_and_the_current_one_stays(tmp_path: Path) -> None:
    given = model(tmp_path, b"something else")
    with pytest.raises(Refusal, match="has SHA-256"):
        fleet_model.publish(Box(), tmp_path, tmp_path / ".incoming" / "tiny.raw", given)
    assert list(tmp_path.iterdir()) == []


def test_an_exchanged_image_is_copied_again(tmp_path: Path) -> None:
    given = model(tmp_path)
    fleet_model.publish(Box(), tmp_path, tmp_path / ".incoming" / "tiny.raw", given)
    (tmp_path / "tiny.raw").write_bytes(b"weights!")
    assert fleet_model.pending(tmp_path, given)[0].startswith("copy")


def test_links_of_tasks_that_the_site_no_longer_has_are_unwanted(tmp_path: Path) -> None:
    for name in ("transcription", "drafting", "current"):
        (tmp_path / f"{name}.raw").symlink_to("tiny.raw")
    (tmp_path / "other.raw").symlink_to("tiny.raw")
    assert {link.stem for link in fleet_model.unwanted(tmp_path, ["transcription"])} == {"drafting", "current"}
    assert {link.stem for link in fleet_model.unwanted(tmp_path, ["transcription", "drafting"])} == {"current"}


def test_the_engine_has_a_link_of_its_own_and_is_withdrawn_with_the_cards(tmp_path: Path) -> None:
    given = model(tmp_path) | {"task": "engine", "name": "tiny"}
    fleet_model.publish(Box(), tmp_path, tmp_path / ".incoming" / "tiny.raw", given)
    assert (tmp_path / "engine.raw").read_bytes() == b"weights"
    assert [link.stem for link in fleet_model.unwanted(tmp_path, ["transcription"])] == ["engine"]


def test_an_adapter_has_a_link_for_its_place_and_is_withdrawn_with_its_release(tmp_path: Path) -> None:
    given = model(tmp_path) | {"task": "adapter-0", "name": "tiny"}
    assert fleet_model.pending(tmp_path, given)[1] == "make tiny the adapter-0"
    fleet_model.publish(Box(), tmp_path, tmp_path / ".incoming" / "tiny.raw", given)
    assert (tmp_path / "adapter-0.raw").read_bytes() == b"weights"
    assert [link.stem for link in fleet_model.unwanted(tmp_path, ["transcription"])] == ["adapter-0"]
    assert fleet_model.unwanted(tmp_path, ["adapter-0"]) == []
    fleet_model.check_name(f"adapter.{'7' * 64}", "adapter-0")
    assert len(fleet_model.ADAPTERS) == MAX_ADAPTERS


@pytest.mark.parametrize("name", ["drafting", "engine", "current", "../x", ".hidden", ""])
def test_a_model_cannot_take_the_place_of_a_link(name: str) -> None:
    fleet_model.check_name("smollm2-135m-instruct", "drafting")
    with pytest.raises(Refusal, match=r"release\.drafting"):
        fleet_model.check_name(name, "drafting")


# --- seal

GIVEN = {
    "site": "lab-1",
    "usr_hash": "cd" * 32,
    "models": [{"task": "transcription", "name": "tiny", "root_hash": "ab" * 32}],
}


def test_the_seal_is_what_the_services_read_and_keeps_its_time() -> None:
    first = fleet_seal.seal(GIVEN, (STATE_UUID, ROOT_UUID), "ef" * 32, "2026-03-01T12:00:00Z", {})
    assert Seal.model_validate_json(json.dumps(first)).state_volume.luks_uuid == STATE_UUID
    assert fleet_seal.seal(GIVEN, (STATE_UUID, ROOT_UUID), "ef" * 32, "2026-03-02T12:00:00Z", first) == first
    other = fleet_seal.seal(GIVEN, (STATE_UUID, ROOT_UUID), "00" * 32, "2026-03-02T12:00:00Z", first)
    assert other["sealed_at"] == "2026-03-02T12:00:00Z"


def test_an_engine_is_sealed_where_the_site_has_one() -> None:
    engine = {"name": "vllm-1", "root_hash": "ab" * 32}
    volumes = (STATE_UUID, ROOT_UUID)
    made = fleet_seal.seal(GIVEN | {"engine": engine}, volumes, "ef" * 32, "2026-03-01T12:00:00Z", {})
    sealed = Seal.model_validate_json(json.dumps(made)).engine
    assert sealed is not None
    assert sealed.model_dump() == engine
    without = fleet_seal.seal(
        GIVEN | {"engine": None}, (STATE_UUID, ROOT_UUID), "ef" * 32, "2026-03-02T12:00:00Z", made
    )
    assert "engine" not in without
    assert without["sealed_at"] == "2026-03-02T12:00:00Z"


def test_adapters_are_sealed_in_their_places_and_leave_no_trace_where_there_are_none() -> None:
    drafting = {"task": "drafting", "name": "notes", "root_hash": "cd" * 32}
    adapters = [
        {"name": name, "digest": digit * 64, "root_hash": "e" * 64, "rank": 8, "kinds": [kind], "other": None}
        for name, digit, kind in (("style", "1", "visit_note"), ("letters", "2", "patient_letter"))
    ]
    given = GIVEN | {"models": [*GIVEN["models"], drafting], "adapters": adapters}
    volumes = (STATE_UUID, ROOT_UUID)
    made = fleet_seal.seal(given, volumes, "ef" * 32, "2026-03-01T12:00:00Z", {})
    sealed = Seal.model_validate_json(json.dumps(made)).adapters
    assert [(each.name, each.kinds) for each in sealed] == [
        ("style", ("visit_note",)),
        ("letters", ("patient_letter",)),
    ]
    assert fleet_seal.seal(given, volumes, "ef" * 32, "2026-03-02T12:00:00Z", made) == made
    for none in ({"adapters": None}, {"adapters": []}, {}):
        without = fleet_seal.seal(
            {**GIVEN, "models": given["models"], **none}, volumes, "ef" * 32, "2026-03-02T12:00:00Z", made
        )
        assert "adapters" not in without
        assert without["sealed_at"] == "2026-03-02T12:00:00Z"


def test_drafting_is_a_service_where_a_model_is_sealed_for_it() -> None:
    assert fleet_seal.DRAFTING not in fleet_seal.services_of(GIVEN["models"])
    assert fleet_seal.DRAFTING in fleet_seal.services_of([{"task": "drafting"}])
    assert set(PHI_UNITS) | {"appliance-nginx.service"} == set(fleet_seal.services_of([{"task": "drafting"}]))


def test_no_seal_before_the_storage_is_finished_and_the_keys_are_in_escrow() -> None:
    with pytest.raises(Refusal, match="not finished"):
        fleet_seal.sealed_volumes(Journal())
    with pytest.raises(Refusal, match="recovery key of the state, root volume is not in escrow"):
        fleet_seal.sealed_volumes(journal())
    known = journal()
    for _, entry in known.volumes():
        assert entry.recovery is not None
        entry.recovery.confirmed_at = "t"
    assert fleet_seal.sealed_volumes(known) == (STATE_UUID, ROOT_UUID)


def test_the_running_image_is_read_from_the_kernel_command_line() -> None:
    assert fleet_seal.running_usr_hash(f"quiet usrhash={'cd' * 32} root=/dev/mapper/root\n") == "cd" * 32
    assert fleet_seal.running_usr_hash(f"xusrhash={'cd' * 32}") == ""


# --- settings


def test_a_service_without_settings_has_no_file() -> None:
    texts = fleet_stack.settings_texts({"gateway": {"site": "lab-1"}, "drafting": None})
    assert texts["/etc/appliance/drafting.json"] is None
    assert json.loads(texts["/etc/appliance/gateway.json"] or "") == {"site": "lab-1"}


# --- listener


def test_the_listener_is_rehearsed_without_its_ports_and_credentials() -> None:
    text = (
        "pid /run/appliance-nginx/nginx.pid;\n"
        "ssl_certificate_key /run/credentials/appliance-nginx.service/box.key;\n"
        "ssl_certificate /etc/appliance/tls/box.crt;\n    listen [::]:443 ssl;\n"
    )
    assert fleet_stack.rehearsal(text, "/dev/shm/x") == (
        "pid /dev/shm/x/nginx.pid;\nssl_certificate_key /etc/appliance/tls/box.key;\n"
        "ssl_certificate /dev/shm/x/box.crt;\n    listen unix:/dev/shm/x/3.sock ssl;\n"
    )
