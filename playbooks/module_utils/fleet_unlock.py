"""How the state volume is opened and mounted at boot: crypttab, fstab, the unlock unit's order, PCR options."""

from __future__ import annotations

from ansible.module_utils.fleet_box import Box, Refusal

CRYPTTAB = "/etc/crypttab"
FSTAB = "/etc/fstab"
UNLOCK_UNIT = "systemd-cryptsetup@state.service"
ORDER_FILE = f"/etc/systemd/system/{UNLOCK_UNIT}.d/10-measured-root.conf"
STATE_MOUNT = "/var/lib/appliance"

# systemd-pcrmachine extends PCR 15 with the machine id. The volume is sealed after that, so it must be opened after it.
_ORDER = """\
# Written by fleetctl. The volume is bound to PCR 15 as it stands after the root volume key and the machine id.
[Unit]
After=systemd-pcrmachine.service
"""
_POLICY_KEYS = tuple(
    f"{directory}/tpm2-pcr-public-key.pem" for directory in ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
)
_POLICY_SIGNATURES = tuple(
    f"{directory}/tpm2-pcr-signature.json" for directory in ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
)
_PCR_VALUE = "/sys/class/tpm/tpm0/pcr-sha256/{pcr}"


def boot_files(box: Box, luks_uuid: str, *, with_mount: bool) -> dict[str, bytes]:
    """The files that differ from what the boot needs, with their new content; empty when all is in place."""
    # nofail: a box whose data cannot be opened must still come up, to say so. No discard: it would show which blocks
    # of a stolen disk are in use. noexec, nosuid, nodev: it holds data. timeout: nobody may sit at the console.
    crypttab = with_line(
        _text(box, CRYPTTAB),
        0,
        f"state UUID={luks_uuid} none luks,tpm2-device=auto,nofail,timeout=15min,x-systemd.device-timeout=90s",
    )
    wanted = {CRYPTTAB: crypttab, ORDER_FILE: _ORDER}
    if with_mount:
        wanted[FSTAB] = with_line(
            _text(box, FSTAB),
            1,
            f"/dev/mapper/state {STATE_MOUNT} ext4 nofail,nodev,nosuid,noexec,x-systemd.device-timeout=120s 0 2",
        )
    return {path: text.encode() for path, text in wanted.items() if text.encode() != box.read(path)}


def with_line(text: str, key: int, line: str) -> str:
    """The table with the one line that has the same value in column `key` replaced, or the line added at the end."""
    lines = text.splitlines()
    same = [
        at
        for at, old in enumerate(lines)
        if not old.lstrip().startswith("#") and len(old.split()) > key and old.split()[key] == line.split()[key]
    ]
    if not same:
        return "\n".join([*lines, line]) + "\n"
    kept = [line if at == same[0] else old for at, old in enumerate(lines) if at not in same[1:]]
    return "\n".join(kept) + "\n"


def mount_unit(path: str) -> str:
    """The name of a path's mount unit (only for paths of letters, digits and slashes)."""
    return path.strip("/").replace("/", "-") + ".mount"


def signed_policy_options(box: Box, wanted: str) -> list[str]:
    """systemd-cryptenroll options for the image's signed PCR 11 policy, when it carries its key and signature."""
    if wanted == "off":
        return ["--tpm2-public-key="]  # empty: do not look for one
    key = next((path for path in _POLICY_KEYS if box.read(path)), None)
    signature = next((path for path in _POLICY_SIGNATURES if box.read(path)), None)
    if key and signature:
        return [f"--tpm2-public-key={key}", "--tpm2-public-key-pcrs=11", f"--tpm2-signature={signature}"]
    if wanted == "required":
        missing = " and ".join(name for name, path in (("public key", key), ("signature", signature)) if not path)
        raise Refusal(
            f"The running image carries no {missing} of a signed PCR policy (tpm2-pcr-* in /run/systemd).",
            "Boot an image that was built with a signed PCR policy.",
        )
    return ["--tpm2-public-key="]


def check_pcrs(box: Box, pcrs: tuple[int, ...]) -> None:
    """Refuse to bind to a register that nothing was measured into: such a binding protects nothing."""
    for pcr in pcrs:
        value = box.read(_PCR_VALUE.format(pcr=pcr))
        if value is None:
            raise Refusal(
                f"The TPM's PCR {pcr} (SHA-256) cannot be read.",
                "Check that the machine has a TPM 2.0, that it is on, and that its SHA-256 bank is active.",
            )
        if set(value.strip().decode("ascii", "replace")) <= {"0"}:
            raise Refusal(
                f"PCR {pcr} is empty: nothing was measured into it at this boot.",
                "Boot the signed image, whose initrd measures the root volume key (tpm2-measure-pcr=yes), with "
                "Secure Boot on.",
            )


def _text(box: Box, path: str) -> str:
    return (box.read(path) or b"").decode()
