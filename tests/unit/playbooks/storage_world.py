"""A small world of disks for the storage steps: devices with contents, a TPM, files, and power that can fail.

It interprets exactly the commands that the steps use and refuses any other. Every effect is one `_tick`; at the chosen
tick the power fails, before or in the middle of the effect. It watches the rule that matters: nothing foreign is ever
overwritten, and nothing at all once a file system holds data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.fleet_box import Box, CommandError, Completed


class PowerCut(Exception):
    """The machine lost power, or the process was killed."""


class Violation(AssertionError):
    """The world saw something that must never happen."""


@dataclass
class Thing:
    """What stands at the start of a device."""

    kind: str
    uuid: str = ""
    label: str = ""
    keys: dict[int, str] = field(default_factory=dict)
    tokens: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class World(Box):
    """Two or more data disks and a root volume."""

    disks: dict[str, Thing | None]
    may_destroy: set[str] = field(default_factory=set)
    partitions: dict[str, Thing] = field(default_factory=dict)
    edges_used: set[str] = field(default_factory=set)
    fail_at: int = 0
    torn: bool = False
    reboot: bool = True
    ticks: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    arrays: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    on_array: dict[str, Thing | None] = field(default_factory=dict)  # by md uuid
    in_volume: dict[str, Thing | None] = field(default_factory=dict)  # by LUKS uuid
    opened: str = ""
    mounted: bool = False
    data: dict[str, str] = field(default_factory=dict)  # what users stored, by file system UUID
    root: Thing = field(
        default_factory=lambda: Thing(
            "crypto_LUKS",
            "00000000-0000-4000-8000-00000000cafe",
            keys={0: "tpm"},
            tokens=[{"type": "systemd-tpm2", "keyslots": ["0"], "tpm2-pcrs": [7]}],
        )
    )
    root_keys_made: int = 0
    tpm_works: bool = True
    keys_seen: list[str] = field(default_factory=list)
    argv_seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for pcr in (7, 15):
            self.files[f"/sys/class/tpm/tpm0/pcr-sha256/{pcr}"] = b"AB" * 32

    # --- power ---------------------------------------------------------------------------------------------------

    def _tick(self) -> bool:
        """Count an effect. True when it shall be left half done; the cut follows through `_cut`."""
        self.ticks += 1
        if self.ticks != self.fail_at:
            return False
        if not self.torn:
            raise PowerCut
        return True

    def restart(self) -> None:
        """After a power cut: open volumes and mounts are gone, udev assembles arrays whose members are there."""
        self.fail_at = 0
        if not self.reboot:
            return
        self.opened, self.mounted, self.arrays = "", False, {}
        self.partitions = {path: thing for path, thing in self.partitions.items() if self._disk_has_table(path)}
        for serial, thing in self.disks.items():
            if thing is not None and thing.kind == "linux_raid_member":
                name = next((name for name, (uuid, _) in self.arrays.items() if uuid == thing.uuid), "")
                name = name or f"md{127 - len(self.arrays)}"
                self.arrays.setdefault(name, (thing.uuid, []))[1].append(serial)

    def _disk_has_table(self, path: str) -> bool:
        thing = self.disks[self._serial(path[:-1])]
        return thing is not None and thing.kind == "gpt"

    # --- names ---------------------------------------------------------------------------------------------------

    def _path(self, serial: str) -> str:
        return f"/dev/vd{'bcdefg'[list(self.disks).index(serial)]}"

    def _serial(self, path: str) -> str:
        return next(serial for serial in self.disks if self._path(serial) == path)

    def _array_name(self, path: str) -> str:
        name = path.removeprefix("/dev/")
        if name == "md/state":
            name = "md127"
        if name not in self.arrays:
            raise KeyError(path)
        return name

    def _at(self, path: str) -> Thing | None:
        if path == "/dev/disk/by-partlabel/edge-root":
            return self.root
        if path in self.partitions:
            return self.partitions[path]
        if path == "/dev/mapper/state":
            return self.in_volume.get(self.opened)
        if path.startswith("/dev/md"):
            return self.on_array.get(self.arrays[self._array_name(path)][0])
        return self.disks[self._serial(path)]

    # --- Box -----------------------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, content: bytes, mode: int = 0o600) -> None:
        if self._tick():  # atomic by construction: a torn write leaves the old file
            raise PowerCut
        self.files[path] = content

    def edges_are_zero(self, device: str, size_bytes: int) -> bool:
        return self._serial(device) not in self.edges_used

    def now(self) -> str:
        return f"2026-01-01T00:00:{self.ticks % 60:02d}Z"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        secret: bytes | None = None,
        timeout_s: int = 600,
        codes: tuple[int, ...] = (0,),
    ) -> Completed:
        self.argv_seen.append(" ".join(argv))
        words = [word for word in argv if not word.startswith("-")]
        handler = getattr(self, "_run_" + re.sub(r"\W", "_", words[0]))
        code, stdout = handler(list(argv), (secret or stdin).decode())
        if code not in codes:
            raise CommandError(argv, f"ended with {code}", stdout)
        return Completed(code, stdout, "")

    # --- reading commands ----------------------------------------------------------------------------------------

    def _run_lsblk(self, argv: list[str], _: str) -> tuple[int, str]:
        devices = [
            {"name": "vda", "path": "/dev/vda", "type": "disk", "size": 8 << 30, "serial": "SYS", "mountpoints": [None]}
        ]
        for serial in self.disks:
            path = self._path(serial)
            children: list[dict[str, Any]] = [
                {"name": part[5:], "path": part, "type": "part", "size": 1 << 20, "serial": None, "mountpoints": [None]}
                for part in self.partitions
                if part.startswith(path)
            ]
            children += [self._array_node(name) for name, (_, members) in self.arrays.items() if serial in members]
            devices.append(
                {
                    "name": path[5:],
                    "path": path,
                    "type": "disk",
                    "size": 1536 << 20,
                    "serial": serial,
                    "mountpoints": [None],
                    "children": children,
                }
            )
        return 0, json.dumps({"blockdevices": devices})

    def _array_node(self, name: str) -> dict[str, Any]:
        uuid, members = self.arrays[name]
        crypt = []
        thing = self.on_array.get(uuid)
        if self.opened and thing is not None and thing.uuid == self.opened:
            crypt = [
                {
                    "name": "state",
                    "path": "/dev/mapper/state",
                    "type": "crypt",
                    "size": 1,
                    "serial": None,
                    "mountpoints": ["/var/lib/appliance"] if self.mounted else [None],
                }
            ]
        running = len(members) == len(self.disks)
        return {
            "name": name,
            "path": f"/dev/{name}",
            "type": "raid1",
            "size": (1 << 30) if running else 0,
            "serial": None,
            "mountpoints": [None],
            "children": crypt,
        }

    def _run_wipefs(self, argv: list[str], _: str) -> tuple[int, str]:
        path, thing = argv[-1], self._at(argv[-1])
        if "--json" in argv:
            signatures = [{"type": thing.kind, "uuid": thing.uuid, "label": thing.label}] if thing else []
            return 0, json.dumps({"signatures": signatures})
        if any(path.startswith(self._path(serial)) for _, members in self.arrays.values() for serial in members):
            return 1, "Device or resource busy"
        torn = self._tick()
        self._put(path, None)
        if torn:
            raise PowerCut
        return 0, ""

    def _run_blkid(self, argv: list[str], _: str) -> tuple[int, str]:
        thing = self._at(argv[-1])
        return (0, f"TYPE={thing.kind}\nUUID={thing.uuid}\n") if thing else (2, "")

    def _run_cryptsetup(self, argv: list[str], stdin: str) -> tuple[int, str]:
        device, verb = argv[-1], argv[1]
        if verb == "luksDump":
            thing = self._at(device)
            assert thing is not None
            return 0, json.dumps(
                {
                    "keyslots": {str(slot): {"kdf": {"salt": f"salt of {key}"}} for slot, key in thing.keys.items()},
                    "tokens": {str(at): token for at, token in enumerate(thing.tokens)},
                }
            )
        if verb == "open":
            thing = self._at(device)
            return (0, "") if thing and stdin in thing.keys.values() else (2, "No key available")
        if verb == "luksFormat" and self.opened:
            return 5, "Device is in use"
        torn = self._tick()
        if verb == "luksFormat":
            self.keys_seen.append(stdin)
            uuid = argv[argv.index("--uuid") + 1]
            self._put(device, Thing("crypto_LUKS", uuid, keys={} if torn else {0: stdin}))
            self.in_volume[uuid] = None
        elif verb == "token":
            thing = self._at(device)
            assert thing is not None
            thing.tokens.append(json.loads(stdin))
        elif verb == "close":
            self.opened = ""
        else:
            raise Violation(f"unexpected command {argv}")
        if torn:
            raise PowerCut
        return 0, ""

    # --- changing commands ---------------------------------------------------------------------------------------

    def _put(self, path: str, thing: Thing | None) -> None:
        """Replace what stands on a device, when that is allowed."""
        old = self._at(path)
        serials = self._serials_under(path)
        ours = json.loads(self.files.get("/var/lib/fleetctl/storage.json", b'{"state": null}'))["state"] or {}
        known = {re.sub(r"\W", "", ours.get(key, "")) for key in ("md_uuid", "luks_uuid", "fs_uuid")}
        if old is not None and re.sub(r"\W", "", old.uuid) not in known and not serials <= self.may_destroy:
            raise Violation(f"{path}: overwrote foreign {old}")
        if self.data and set(self.data) & {ours.get("fs_uuid")}:
            raise Violation(f"{path}: overwrote a volume that holds data")
        if path in self.partitions:
            del self.partitions[path]
        elif path == "/dev/mapper/state":
            self.in_volume[self.opened] = thing
        elif path.startswith("/dev/md"):
            self.on_array[self.arrays[self._array_name(path)][0]] = thing
        else:
            self.disks[self._serial(path)] = thing

    def _serials_under(self, path: str) -> set[str]:
        if path.startswith("/dev/md"):
            return set(self.arrays[self._array_name(path)][1])
        if path == "/dev/mapper/state":
            return set(self.disks)
        return {serial for serial in self.disks if path.startswith(self._path(serial))}

    def _run_blkdiscard(self, argv: list[str], _: str) -> tuple[int, str]:
        torn, serial = self._tick(), self._serial(argv[-1])
        if self.disks[serial] is not None:
            raise Violation(f"zeroed the edges of {serial}, which still has a signature")
        self.edges_used.discard(serial)
        if torn:
            raise PowerCut
        return 0, ""

    def _run_blockdev(self, argv: list[str], _: str) -> tuple[int, str]:
        self.partitions = {path: thing for path, thing in self.partitions.items() if not path.startswith(argv[-1])}
        return 0, ""

    def _run_udevadm(self, argv: list[str], _: str) -> tuple[int, str]:
        return 0, ""

    def _run_mdadm(self, argv: list[str], _: str) -> tuple[int, str]:
        if argv[1] == "--detail":
            uuid, members = self.arrays[self._array_name(argv[-1])]
            lines = [f"MD_DEVICE_dev_{at}_DEV={self._path(serial)}" for at, serial in enumerate(members)]
            return 0, "\n".join(["MD_LEVEL=raid1", f"MD_DEVICES={len(self.disks)}", f"MD_UUID={uuid}", *lines])
        torn = self._tick()
        if argv[1] == "--stop":
            if self.opened:
                return 1, "in use"
            del self.arrays[self._array_name(argv[-1])]
        elif argv[1] in ("--create", "--assemble"):
            uuid = next(word for word in argv if word.startswith("--uuid=")).removeprefix("--uuid=")
            members = [self._serial(word) for word in argv if word.startswith("/dev/vd")]
            if argv[1] == "--create":
                for serial in members[: 1 if torn else None]:
                    self._put(self._path(serial), Thing("linux_raid_member", uuid))
                self.edges_used.update(members)  # md clears and writes beside its superblocks first
                self.on_array[uuid] = None
            if not torn:
                self.arrays["md127"] = (uuid, members)
        else:
            raise Violation(f"unexpected command {argv}")
        if torn:
            raise PowerCut
        return 0, ""

    def _run_age(self, argv: list[str], stdin: str) -> tuple[int, str]:
        self.keys_seen.append(stdin)
        return 0, f"-----BEGIN AGE ENCRYPTED FILE-----\n{len(self.keys_seen)}\n"

    def _run_systemd_cryptenroll(self, argv: list[str], secret: str) -> tuple[int, str]:
        thing, torn = self._at(argv[-1]), self._tick()
        assert thing is not None
        printed, free = "", next(slot for slot in range(32) if slot not in thing.keys)
        if "--recovery-key" in argv:
            self.root_keys_made += 1
            printed = "-".join(["bcdefghi"] * 7 + ["bcdefgh" + "cdefghij"[self.root_keys_made % 8]])
            thing.keys[free] = printed
            if not torn:
                thing.tokens.append({"type": "systemd-recovery", "keyslots": [str(free)]})
        elif any(word.startswith("--wipe-slot=") for word in argv):
            slot = next(word for word in argv if word.startswith("--wipe-slot=")).removeprefix("--wipe-slot=")
            thing.keys.pop(int(slot))
            thing.tokens = [token for token in thing.tokens if token["keyslots"] != [slot]]
        else:
            if secret not in thing.keys.values():
                return 1, "wrong key"
            pcrs = next(word for word in argv if word.startswith("--tpm2-pcrs=")).removeprefix("--tpm2-pcrs=")
            thing.keys[free] = "tpm"
            thing.tokens.append(
                {"type": "systemd-tpm2", "keyslots": [str(free)], "tpm2-pcrs": [int(pcr) for pcr in pcrs.split("+")]}
            )
        if torn:
            raise PowerCut
        return 0, printed + "\n"

    def _run_systemd_cryptsetup(self, argv: list[str], _: str) -> tuple[int, str]:
        thing, torn = self._at(argv[3]), self._tick()
        if not self.tpm_works or thing is None or "tpm" not in thing.keys.values():
            return 1, "Failed to unseal secret using TPM2"
        self.opened = thing.uuid
        if torn:
            raise PowerCut
        return 0, ""

    def _run_mkfs_ext4(self, argv: list[str], _: str) -> tuple[int, str]:
        torn = self._tick()
        self._put(argv[-1], Thing("ext4", argv[argv.index("-U") + 1], "state"))
        if torn:
            raise PowerCut
        return 0, ""

    def _run_systemctl(self, argv: list[str], _: str) -> tuple[int, str]:
        torn = self._tick()
        if argv[1:] == ["start", "var-lib-appliance.mount"]:
            self.mounted = True
            thing = self.in_volume[self.opened]
            assert thing is not None
            self.data.setdefault(thing.uuid, "patients")
        elif argv[1:] == ["stop", "systemd-cryptsetup@state.service"]:
            self.opened = ""
        if torn:
            raise PowerCut
        return 0, ""
