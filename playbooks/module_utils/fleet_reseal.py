"""What the TPM must show before it gives a volume's key, around a change of firmware or of Secure Boot's lists.

PCR 7 holds what decides what may boot; a firmware or dbx change changes it, and a volume that is bound to it would ask
for its recovery key. So the binding to PCR 7 is taken off before, and put on again behind the change. What it becomes
cannot be computed here: systemd-pcrlock predicts PCR 7 for the keys that the firmware has now, not for those that an
update will bring. In between the signed PCR 11 policy stays, and for the state volume PCR 15.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ansible.module_utils.fleet_box import Box, CommandError, Refusal
from ansible.module_utils.fleet_unlock import check_pcrs, signed_policy_options

SIGNED = (11,)
PCRS = {
    "before": {"root": (), "state": (15,)},
    "after": {"root": (7,), "state": (7, 15)},
}
# EFI_GLOBAL_VARIABLE: four bytes of attributes, then the value.
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_SETUP_MODE = "/sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_ENROLL_S = 300


@dataclass(frozen=True)
class Binding:
    """One TPM2 slot of a volume."""

    slot: int
    token: int
    pcrs: tuple[int, ...]
    signed: tuple[int, ...]


def bindings(text: str) -> list[Binding]:
    """The TPM2 slots in `cryptsetup luksDump --dump-json-metadata`."""
    return [
        Binding(
            int(slot), int(number), tuple(sorted(token.get("tpm2-pcrs") or ())),
            tuple(sorted(token.get("tpm2_pubkey_pcrs") or ())),
        )
        for number, token in sorted(json.loads(text).get("tokens", {}).items())
        if token["type"] == "systemd-tpm2"
        for slot in token.get("keyslots", ())
    ]  # fmt: skip


def has_recovery(text: str) -> bool:
    """Whether a slot takes a recovery key."""
    tokens = json.loads(text).get("tokens", {}).values()
    return any(token["type"] == "systemd-recovery" and token.get("keyslots") for token in tokens)


@dataclass
class Reseal:
    """Binds the volumes anew: a slot is added and tried, and only then the other ones go. A cut leaves both."""

    box: Box
    devices: dict[str, str]
    stage: str
    done: list[str] = field(default_factory=list)

    def pending(self) -> list[str]:
        """What `converge` would do, in words. Raises Refusal."""
        self._demand()
        return [self._words(name) for name in self.devices if not self._is_bound(name)]

    def converge(self) -> None:
        """Do it. Raises Refusal, CommandError; the volumes that are done stay done."""
        self._demand()
        for name, device in self.devices.items():
            if self._is_bound(name):
                continue
            wanted = PCRS[self.stage][name]
            if self._find(device, wanted) is None:
                pcrs = "+".join(str(pcr) for pcr in wanted)
                policy = signed_policy_options(self.box, "required")
                self.box.run(
                    ["systemd-cryptenroll", "--unlock-tpm2-device=auto", "--tpm2-device=auto", f"--tpm2-pcrs={pcrs}",
                     *policy, device],
                    timeout_s=_ENROLL_S,
                )  # fmt: skip
            new = self._find(device, wanted)
            if new is None:
                raise Refusal(
                    f"The {name} volume has no TPM2 slot for PCRs {wanted or 'none'} after it was made.",
                    "Look at `fleetctl disk status`; the slots of before are still there.",
                )
            self._try(name, device, new)
            for other in self._bindings(device):
                if other.slot != new.slot:
                    self.box.run(["systemd-cryptenroll", f"--wipe-slot={other.slot}", device], timeout_s=_ENROLL_S)
            self.done.append(self._words(name))

    def _try(self, name: str, device: str, new: Binding) -> None:
        """The TPM gives the key for the new slot now; one that does not is removed again."""
        argv = ["cryptsetup", "open", "--test-passphrase", "--token-id", str(new.token), device]
        try:
            self.box.run(argv, timeout_s=_ENROLL_S)
        except CommandError:
            self.box.run(["systemd-cryptenroll", f"--wipe-slot={new.slot}", device], timeout_s=_ENROLL_S)
            raise Refusal(
                f"The TPM does not give the key of the {name} volume for the new slot, which was removed again.",
                "The slots of before are untouched. Find out what PCR 7, 11 and 15 hold, and run it again.",
            ) from None

    def _demand(self) -> None:
        for name, device in self.devices.items():
            text = self._dump(device)
            if not bindings(text) or not has_recovery(text):
                what = "TPM2 slot" if not bindings(text) else "recovery slot"
                raise Refusal(f"The {name} volume has no {what}.", "Provision the site first.")
        if self.stage == "after":
            for path, wanted, words in ((_SECURE_BOOT, 1, "off"), (_SETUP_MODE, 0, "in setup mode")):
                found = self.box.read(path)
                if found is None or len(found) != 5 or found[4] != wanted:
                    raise Refusal(
                        f"Secure Boot is {words if found else 'not readable'} at this start.",
                        "The change has left the machine open. Put the fleet's keys back, start it, run this again.",
                    )
        check_pcrs(self.box, tuple(sorted({pcr for pcrs in PCRS[self.stage].values() for pcr in pcrs})))

    def _is_bound(self, name: str) -> bool:
        found = self._bindings(self.devices[name])
        return [(each.pcrs, each.signed) for each in found] == [(PCRS[self.stage][name], SIGNED)]

    def _find(self, device: str, wanted: tuple[int, ...]) -> Binding | None:
        found = self._bindings(device)
        return next((each for each in found if (each.pcrs, each.signed) == (wanted, SIGNED)), None)

    def _bindings(self, device: str) -> list[Binding]:
        return bindings(self._dump(device))

    def _dump(self, device: str) -> str:
        return self.box.run(["cryptsetup", "luksDump", "--dump-json-metadata", device]).stdout

    def _words(self, name: str) -> str:
        pcrs = " and ".join(f"PCR {pcr}" for pcr in PCRS[self.stage][name]) or "no PCR"
        return f"bound the {name} volume to {pcrs} and the signed PCR 11 policy"
