"""The storage steps in a world whose power fails after every single effect, once and twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest
from ansible.module_utils.fleet_box import Refusal
from ansible.module_utils.fleet_journal import JOURNAL_PATH, READY, awaiting_escrow, read_journal
from ansible.module_utils.fleet_root_volume import RootVolume
from ansible.module_utils.fleet_state_device import Wanted
from ansible.module_utils.fleet_state_volume import StateVolume

from .storage_world import PowerCut, Thing, World

A, B = "LAB-1-DATA0", "LAB-1-DATA1"
WANTED = Wanted("lab-1", "raid1", (A, B), (), ("age1" + "q" * 58,), (7, 15), "auto")
OLD_ARRAY = "11111111:22222222:33333333:44444444"


def wanted(erase: tuple[str, ...]) -> Wanted:
    return Wanted(**{**WANTED.__dict__, "erase_disks": erase})


def provision(world: World, spec: Wanted = WANTED) -> list[str]:
    """One run of the module's work."""
    journal = read_journal(world)
    state, root = StateVolume(world, spec, journal), RootVolume(world, spec.recipients, journal)
    state.examine()
    root.converge()
    state.converge()
    return root.done + state.done


def empty() -> World:
    return World({A: None, B: None})


def with_old_array() -> World:
    """Both disks carry somebody's array, which the site file gives up; on it an old volume."""
    world = World(
        {A: Thing("linux_raid_member", OLD_ARRAY), B: Thing("linux_raid_member", OLD_ARRAY)},
        may_destroy={A, B},
        edges_used={A, B},
    )
    world.arrays["md127"] = (OLD_ARRAY, [A, B])
    world.on_array[OLD_ARRAY] = Thing("crypto_LUKS", "99999999-9999-4999-8999-999999999999")
    return world


def with_partitions() -> World:
    """One disk has a partition table and a file system, which the site file gives up."""
    return World(
        {A: Thing("gpt", "77777777"), B: None},
        may_destroy={A},
        edges_used={A},
        partitions={"/dev/vdb1": Thing("ext4", "88888888")},
    )


SCENES: list[tuple[Callable[[], World], Wanted]] = [
    (empty, WANTED),
    (with_old_array, wanted((A, B))),
    (with_partitions, wanted((A,))),
]


def assert_finished(world: World, spec: Wanted) -> None:
    """The end state, read from the world and not from what the steps said."""
    journal = read_journal(world)
    assert journal.state is not None
    assert journal.root is not None
    assert journal.state.stage == READY
    assert world.mounted
    volume = world.on_array[journal.state.md_uuid]
    assert volume is not None
    assert volume.uuid == world.opened == journal.state.luks_uuid
    assert sorted(token["type"] for token in volume.tokens) == ["systemd-recovery", "systemd-tpm2"]
    assert volume.keys[0] in world.keys_seen
    assert volume.tokens[1]["tpm2-pcrs"] == [7, 15]
    assert [token["type"] for token in world.root.tokens].count("systemd-recovery") == 1
    assert len(world.root.keys) == 2  # no slot is left whose key nobody has
    assert b"state UUID=" + journal.state.luks_uuid.encode() in world.files["/etc/crypttab"]
    assert b"/var/lib/appliance ext4 nofail" in world.files["/etc/fstab"]
    waiting = {entry["volume"]: entry for entry in awaiting_escrow(journal)}
    assert set(waiting) == {"state", "root"}
    # The ciphertext that waits is that of the key which really opens the volume: the world numbers each encryption.
    number = int(waiting["state"]["ciphertext"].split("\n")[1])
    assert world.keys_seen[number - 1] == volume.keys[0]
    assert provision(world, spec) == []  # nothing left to do


@pytest.mark.parametrize(("make", "spec"), SCENES)
def test_an_uninterrupted_run_finishes_and_a_second_changes_nothing(make: Callable[[], World], spec: Wanted) -> None:
    world = make()
    assert provision(world, spec)
    assert_finished(world, spec)


@pytest.mark.parametrize(("make", "spec"), SCENES)
@pytest.mark.parametrize("reboot", [True, False], ids=["power-cut", "kill"])
@pytest.mark.parametrize("torn", [True, False], ids=["during", "before"])
def test_an_interruption_at_every_effect_is_continued(
    make: Callable[[], World], spec: Wanted, reboot: bool, torn: bool
) -> None:
    rehearsal = make()
    provision(rehearsal, spec)
    assert rehearsal.ticks > 20
    for first in range(1, rehearsal.ticks + 1):
        world = make()
        world.fail_at, world.torn, world.reboot = first, torn, reboot
        with pytest.raises(PowerCut):
            provision(world, spec)
        world.restart()
        provision(world, spec)
        assert_finished(world, spec)


@pytest.mark.parametrize(("make", "spec"), SCENES)
def test_two_interruptions_are_continued(make: Callable[[], World], spec: Wanted) -> None:
    rehearsal = make()
    provision(rehearsal, spec)
    for first in range(1, rehearsal.ticks + 1, 2):
        world = make()
        world.fail_at, world.torn = first, True
        with pytest.raises(PowerCut):
            provision(world, spec)
        world.restart()
        base = world.ticks
        for second in range(base + 1, base + rehearsal.ticks, 3):
            again = copy.deepcopy(world)
            again.fail_at = second
            try:
                provision(again, spec)
            except PowerCut:
                again.restart()
                provision(again, spec)
            assert_finished(again, spec)


@pytest.mark.parametrize(
    "thing",
    [
        Thing("ext4", "5555", "backup"),
        Thing("crypto_LUKS", "5555"),
        Thing("gpt", "5555"),
        Thing("LVM2_member", "5555"),
        Thing("linux_raid_member", OLD_ARRAY),
        Thing("ntfs", "5555"),
    ],
)
def test_a_foreign_signature_is_refused_in_words_and_nothing_is_written(thing: Thing) -> None:
    world = World({A: None, B: thing})
    before = copy.deepcopy(world.files)
    with pytest.raises(Refusal, match=f"Disk {B} is not empty: {thing.kind}") as refusal:
        provision(world)
    assert f"add {B} to storage.erase_disks" in refusal.value.decide
    assert (world.ticks, world.files) == (0, before)


def test_the_permission_for_one_disk_is_none_for_the_other() -> None:
    world = World({A: Thing("ext4", "5"), B: Thing("ext4", "6")}, may_destroy={A})
    with pytest.raises(Refusal, match=B):
        provision(world, wanted((A,)))
    assert world.ticks == 0


def test_data_without_a_known_signature_is_refused() -> None:
    world = World({A: None, B: None}, edges_used={B})
    with pytest.raises(Refusal, match="data without a known signature"):
        provision(world)


def test_an_array_that_reaches_over_to_another_disk_is_not_stopped() -> None:
    world = with_old_array()
    with pytest.raises(Refusal, match="has members that erase_disks does not name"):
        provision(world, wanted((A,)))
    assert world.ticks == 0


def test_a_foreign_disk_that_appears_between_two_runs_is_refused() -> None:
    world = empty()
    world.fail_at = next(at for at in range(1, 60) if _stage_after(at) == "claimed")
    with pytest.raises(PowerCut):
        provision(world)
    world.restart()
    world.disks[B] = Thing("xfs", "1234", "brought in")
    ticks = world.ticks
    with pytest.raises(Refusal, match="xfs 'brought in'"):
        provision(world)
    assert world.ticks == ticks


def _stage_after(cut: int) -> str:
    world = empty()
    world.fail_at = cut
    with pytest.raises(PowerCut):
        provision(world)
    journal = read_journal(world)
    return journal.state.stage if journal.state else ""


def test_an_old_file_system_that_shows_up_inside_the_new_array_is_refused() -> None:
    world = empty()
    cut = next(at for at in range(1, 60) if _stage_after(at) == "assembled")
    world.fail_at = cut
    with pytest.raises(PowerCut):
        provision(world)
    world.restart()
    (md_uuid,) = [uuid for uuid, _ in world.arrays.values()]
    world.on_array[md_uuid] = Thing("xfs", "1234", "older")
    with pytest.raises(Refusal, match="xfs 'older'"):
        provision(world)


def test_no_key_reaches_argv_or_a_file() -> None:
    world = empty()
    provision(world)
    keys = set(world.keys_seen)
    assert len(keys) == 2
    everything = "\n".join(world.argv_seen).encode() + b"".join(world.files.values())
    assert not [key for key in keys if key.encode() in everything]


def test_the_ciphertext_is_durable_before_the_volume_exists() -> None:
    rehearsal = empty()
    provision(rehearsal)
    seen = 0
    for cut in range(1, rehearsal.ticks + 1):
        world = empty()
        world.fail_at, world.torn = cut, True
        with pytest.raises(PowerCut):
            provision(world)
        if any(world.on_array.values()):
            seen += 1
            assert json.loads(world.files[JOURNAL_PATH])["state"]["recovery"]["ciphertext"]
    assert seen > 5


def test_other_disks_than_those_of_the_journal_are_refused() -> None:
    world = empty()
    provision(world)
    other = Wanted(**{**WANTED.__dict__, "data_disks": (A, "LAB-1-DATA2")})
    with pytest.raises(Refusal, match="began its state volume as raid1 on LAB-1-DATA0, LAB-1-DATA1"):
        provision(world, other)


def test_a_damaged_journal_is_refused() -> None:
    world = empty()
    provision(world)
    world.files[JOURNAL_PATH] = world.files[JOURNAL_PATH][:-40]
    with pytest.raises(Refusal, match="cannot be read"):
        provision(world)


def test_a_tpm_that_does_not_open_a_finished_volume_needs_a_person() -> None:
    world = empty()
    provision(world)
    world.restart()
    world.tpm_works = False
    with pytest.raises(Refusal, match="The TPM does not open the state volume") as refusal:
        provision(world)
    assert "recovery key" in refusal.value.decide
    assert world.data


def test_an_empty_pcr_is_refused_before_the_volume_is_made() -> None:
    world = empty()
    world.files["/sys/class/tpm/tpm0/pcr-sha256/15"] = b"0" * 64
    with pytest.raises(Refusal, match="PCR 15 is empty"):
        provision(world)
    assert not any(world.on_array.values())


def test_erase_disks_that_outlived_its_purpose_is_warned_about() -> None:
    world = with_old_array()
    provision(world, wanted((A, B)))
    state = StateVolume(world, wanted((A, B)), read_journal(world))
    state.converge()
    assert "erase_disks still names" in state.warnings[0]


def test_a_missing_disk_of_a_finished_volume_is_a_warning_and_of_a_new_one_a_refusal() -> None:
    world = empty()
    provision(world)
    with pytest.raises(Refusal, match="No disk with serial LAB-1-DATA9"):
        provision(empty(), Wanted(**{**WANTED.__dict__, "data_disks": (A, "LAB-1-DATA9")}))


def put_foreign_recovery_slot(world: World) -> None:
    """In the place of ours, with a key that is in nobody's escrow."""
    token = next(token for token in world.root.tokens if token["type"] == "systemd-recovery")
    world.root.keys[int(token["keyslots"][0])] = "a foreign key"


def test_a_foreign_recovery_slot_does_not_pass_for_the_escrowed_one() -> None:
    world = empty()
    provision(world)
    put_foreign_recovery_slot(world)
    assert provision(world) == ["added a recovery key to the root volume and tested it"]
    assert provision(world) == []


def test_a_foreign_slot_beside_a_removed_one_does_not_pass_either() -> None:
    world = empty()
    provision(world)
    token = next(token for token in world.root.tokens if token["type"] == "systemd-recovery")
    slot = int(token["keyslots"][0])
    del world.root.keys[slot]
    world.root.keys[slot + 1] = "a foreign key"
    token["keyslots"] = [str(slot + 1)]
    assert provision(world) == ["added a recovery key to the root volume and tested it"]
    assert provision(world) == []


def test_a_journal_from_before_slots_were_recorded_is_still_understood() -> None:
    world = empty()
    provision(world)
    journal = json.loads(world.files[JOURNAL_PATH])
    del journal["root"]["slot"], journal["root"]["slot_sha256"]
    world.files[JOURNAL_PATH] = json.dumps(journal).encode()
    assert provision(world) == []
