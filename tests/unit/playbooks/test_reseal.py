"""Bound to PCR 7 or not: a slot is added and tried before another one goes, and a cut anywhere is done again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible.module_utils import fleet_reseal
from ansible.module_utils.fleet_box import CommandError, Refusal
from ansible.module_utils.fleet_reseal import PCRS, Reseal

DEVICES = {"root": "/dev/disk/by-partlabel/edge-root", "state": "/dev/disk/by-uuid/5"}
POLICY = {"/run/systemd/tpm2-pcr-public-key.pem": b"key", "/run/systemd/tpm2-pcr-signature.json": b"{}"}
EFI = "/sys/firmware/efi/efivars/{}-8be4df61-93ca-11d2-aa0d-00e098032b8c"


class Cut(BaseException):
    """The power is gone."""


@dataclass
class Ran:
    stdout: str = ""


@dataclass
class FakeTpmBox:
    """Volumes with slots, changed by the commands as systemd-cryptenroll and cryptsetup do. `tpm`: it gives keys."""

    volumes: dict[str, dict[int, tuple[tuple[int, ...], tuple[int, ...]] | None]]
    files: dict[str, bytes] = field(default_factory=dict)
    tpm: bool = True
    cut_at: int = 0
    ran: list[list[str]] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def run(self, argv: list[str], **_: Any) -> Ran:
        device = self.volumes[argv[-1]]
        if argv[1] == "luksDump":
            tokens = {
                str(slot): {"type": "systemd-recovery", "keyslots": [str(slot)]}
                if binding is None
                else {
                    "type": "systemd-tpm2", "keyslots": [str(slot)], "tpm2-pcrs": list(binding[0]),
                    "tpm2_pubkey_pcrs": list(binding[1]),
                }
                for slot, binding in device.items()
            }  # fmt: skip
            return Ran(json.dumps({"tokens": tokens, "keyslots": {}}))
        self.ran.append(argv)
        if self.cut_at and len(self.ran) == self.cut_at:
            raise Cut
        given = dict(each.partition("=")[::2] for each in argv[1:-1])
        if "--wipe-slot" in given:
            del device[int(given["--wipe-slot"])]
            assert any(binding is None for binding in device.values())
            assert any(binding is not None for binding in device.values()), "nothing opens it by itself any more"
        elif argv[0] == "systemd-cryptenroll":
            assert "--tpm2-public-key" in given
            pcrs = tuple(int(each) for each in given["--tpm2-pcrs"].split("+") if each)
            device[max(device) + 1] = (pcrs, (11,))
        elif argv[:3] == ["cryptsetup", "open", "--test-passphrase"]:
            assert int(argv[4]) in device
            if not self.tpm:
                raise CommandError(argv, "ended with 1", "")
        else:
            raise AssertionError(argv)
        return Ran()


def sealed(stage: str = "after", **more: Any) -> FakeTpmBox:
    volumes = {DEVICES[name]: {0: None, 1: (PCRS[stage][name], (11,))} for name in DEVICES}
    files = {
        **POLICY, EFI.format("SecureBoot"): b"\6\0\0\0\1", EFI.format("SetupMode"): b"\6\0\0\0\0",
        **{f"/sys/class/tpm/tpm0/pcr-sha256/{pcr}": b"A1B2\n" for pcr in (7, 15)},
    }  # fmt: skip
    return FakeTpmBox(volumes, files, **more)


def bound(box: FakeTpmBox) -> dict[str, list[tuple[int, ...]]]:
    return {
        name: sorted(binding[0] for binding in box.volumes[DEVICES[name]].values() if binding is not None)
        for name in DEVICES
    }


def test_pcr_7_goes_before_a_change_and_comes_back_behind_it() -> None:
    box = sealed()
    work = Reseal(box, DEVICES, "before")  # type: ignore[arg-type]
    assert work.pending() == [
        "bound the root volume to no PCR and the signed PCR 11 policy",
        "bound the state volume to PCR 15 and the signed PCR 11 policy",
    ]
    work.converge()
    assert bound(box) == {"root": [()], "state": [(15,)]}
    assert work.pending() == []
    ran = len(box.ran)
    work.converge()
    assert len(box.ran) == ran
    Reseal(box, DEVICES, "after").converge()  # type: ignore[arg-type]
    assert bound(box) == {"root": [(7,)], "state": [(7, 15)]}


@pytest.mark.parametrize("cut_at", range(1, 7))
@pytest.mark.parametrize(("was", "stage"), [("after", "before"), ("before", "after")])
def test_a_cut_leaves_a_slot_that_opens_and_the_next_run_does_the_rest(was: str, stage: str, cut_at: int) -> None:
    box = sealed(was, cut_at=cut_at)
    with pytest.raises(Cut):
        Reseal(box, DEVICES, stage).converge()  # type: ignore[arg-type]
    assert all(found for found in bound(box).values())
    box.cut_at = 0
    Reseal(box, DEVICES, stage).converge()  # type: ignore[arg-type]
    assert bound(box) == {name: [pcrs] for name, pcrs in PCRS[stage].items()}


def test_a_new_slot_that_the_tpm_does_not_open_is_taken_away_again() -> None:
    box = sealed("before", tpm=False)
    with pytest.raises(Refusal, match="was removed again"):
        Reseal(box, DEVICES, "after").converge()  # type: ignore[arg-type]
    assert bound(box) == {"root": [()], "state": [(15,)]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda box: box.files.update({EFI.format("SecureBoot"): b"\6\0\0\0\0"}), "Secure Boot is off"),
        (lambda box: box.files.update({EFI.format("SetupMode"): b"\6\0\0\0\1"}), "in setup mode"),
        (lambda box: box.files.pop(EFI.format("SecureBoot")), "Secure Boot is not readable"),
        (lambda box: box.files.update({"/sys/class/tpm/tpm0/pcr-sha256/7": b"0000\n"}), "PCR 7 is empty"),
        (lambda box: box.files.pop("/run/systemd/tpm2-pcr-signature.json"), "no signature of a signed PCR policy"),
        (lambda box: box.volumes[DEVICES["state"]].pop(0), "has no recovery slot"),
        (lambda box: box.volumes[DEVICES["root"]].pop(1), "has no TPM2 slot"),
    ],
)
def test_nothing_is_bound_to_a_machine_that_is_open(change: Any, words: str) -> None:
    box = sealed("before")
    change(box)
    with pytest.raises(Refusal, match=words):
        Reseal(box, DEVICES, "after").converge()  # type: ignore[arg-type]
    assert not any(argv[1].startswith("--wipe") for argv in box.ran)


def test_what_stays_in_between_is_the_signed_policy_and_the_root_volumes_key() -> None:
    assert fleet_reseal.SIGNED == (11,)
    assert PCRS["before"]["state"] == (15,)
