"""A sealed site as facts: everything right, so that a test changes the one thing that it is about."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_text
from appliance.contract.health import HealthSnapshot
from appliance.contract.seal import Seal, SealedModel, SealedVolume
from fleetctl.checks.context import CheckContext, Wanted
from fleetctl.egress.isolation import IsolationRecord, spec_sha256
from fleetctl.facts.base import Unreadable
from fleetctl.facts.clock import ClockFacts
from fleetctl.facts.disks import BlockDevice, DiskFacts
from fleetctl.facts.host import HostFacts, ReadingTime
from fleetctl.facts.identity import IdentityFacts
from fleetctl.facts.interfaces import Interface, InterfaceFacts
from fleetctl.facts.links import Link, LinkFacts
from fleetctl.facts.listeners import Listener, ListenerFacts
from fleetctl.facts.lock import LockFacts
from fleetctl.facts.luks import KeySlot, LuksFacts, LuksVolume, TpmBinding
from fleetctl.facts.memory import MemoryFacts
from fleetctl.facts.processor import BY_TOPOLOGY, ProcessorFacts
from fleetctl.facts.raid import Array, RaidFacts
from fleetctl.facts.ruleset import BaseChain, RulesetFacts
from fleetctl.facts.seal import SealFacts
from fleetctl.facts.secure_boot import SecureBootFacts
from fleetctl.facts.services import Process, Service, ServiceFacts
from fleetctl.facts.storage import StorageFacts, VolumeRecord
from fleetctl.facts.system import SystemFacts
from fleetctl.facts.tpm import TpmFacts
from fleetctl.facts.verity import VerityDevice, VerityFacts
from fleetctl.image.manifest import ImageManifest, ModelManifest
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site

USR, MODEL, DRAFTER, RULES = "a1" * 32, "b2" * 32, "b7" * 32, "c3" * 32
DRAFTING = "smollm2-135m-instruct"
# The verifier key of an audit log: Ed25519, the bytes 1 to 32.
AUDIT_KEY = "lab-1+5388124d+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
HEALTH_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEALTH_KEY_TEXT = public_key_text(HEALTH_KEY.public_key())
ROOT_UUID = "11111111-1111-4111-8111-111111111111"
STATE_UUID = "22222222-2222-4222-8222-222222222222"
ARRAY_UUID = "33333333:44444444:55555555:66666666"
# The encrypted recovery key of both volumes, as the box made it and the operator stored it.
CIPHERTEXT = "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n"
CIPHERTEXT_SHA256 = hashlib.sha256(CIPHERTEXT.encode()).hexdigest()
READ_AT_S = 1_795_352_400.0
GIB = 1024**3

INTERFACES = {"enp0s2": "52:54:00:00:00:01", "enp0s3": "52:54:00:00:00:02"}
SITE = Site.model_validate(
    {
        "apiVersion": "fleetctl/v1",
        "kind": "Site",
        "metadata": {"name": "lab-1"},
        "spec": {
            "profile": "lab-vm",
            "management": {"address": "127.0.0.1", "ssh_port": 2201, "health_port": 9543},
            "clinical": {"address": "127.0.0.1", "port": 8443},
            "networks": {
                "management": {"interface_mac": INTERFACES["enp0s2"], "sources": ["10.0.2.0/24"]},
                "clinical": {"interface_mac": INTERFACES["enp0s3"], "sources": ["10.0.3.0/24"]},
            },
            "egress": {"allow": [{"name": "ehr", "protocol": "tcp", "address": "10.0.2.2", "port": 7443}]},
            "storage": {"data_disks": ["LAB-1-DATA0", "LAB-1-DATA1"]},
            "release": {"transcription": "whisper-tiny.en", "drafting": DRAFTING},
        },
    }
)
ISOLATION = IsolationRecord(
    site="lab-1", ruleset_digest=RULES, spec_sha256=spec_sha256(SITE), recorded_at=datetime(2026, 11, 22, tzinfo=UTC)
)
IMAGE_MANIFEST = ImageManifest(
    profile="lab", version="1.0", usr_root_hash=USR, input_digest="e5" * 32, inputs={}, files=[], packages="packages"
)
MODEL_MANIFEST = ModelManifest(
    name="whisper-tiny.en",
    root_hash=MODEL,
    sha256="d4" * 32,
    size_bytes=1,
    files=[],
    licence="MIT",
    origin="a test",
    input_digest="f6" * 32,
)
DRAFTING_MANIFEST = MODEL_MANIFEST.model_copy(update={"name": DRAFTING, "root_hash": DRAFTER, "sha256": "d5" * 32})
PROFILE = HardwareProfile.model_validate(
    {
        "apiVersion": "fleetctl/v1",
        "kind": "HardwareProfile",
        "metadata": {"name": "lab-vm"},
        "spec": {
            "description": "for tests",
            "cpu": {"min_cores": 2, "instruction_sets": ["avx2"]},
            "memory": {"min_mib": 1800},
            "tpm2": {"required": True},
            "secure_boot": {"required": True},
            "storage": {"level": "raid1", "min_disks": 2, "min_disk_gib": 1.0, "encryption": "software"},
            "gpus": [],
        },
    }
)


def device(name: str, kind: str, *children: BlockDevice, **values: Any) -> BlockDevice:
    """A block device; `values` are the fields that matter to the test."""
    given = {
        "path": f"/dev/{name}",
        "size_bytes": 2 * GIB,
        "serial": "",
        "signature": "",
        "uuid": "",
        "mountpoints": (),
    }
    return BlockDevice(name=name, kind=kind, children=children, **{**given, **values})


def state_stack(disk: str, serial: str) -> BlockDevice:
    """A data disk of the sealed site: array, LUKS, file system."""
    top = device("state", "crypt", signature="ext4", mountpoints=("/var/lib/appliance",))
    array = device("md127", "raid1", top, signature="crypto_LUKS", uuid=STATE_UUID)
    member = "33333333-4444-4444-5555-555566666666"
    return device(disk, "disk", array, serial=serial, signature="linux_raid_member", uuid=member)


def system_disk() -> BlockDevice:
    usr = device("usr", "crypt", signature="erofs", mountpoints=("/usr",))
    root = device("root", "crypt", signature="ext4", mountpoints=("/",))
    return device(
        "vda",
        "disk",
        device("vda1", "part", signature="vfat", mountpoints=("/efi",)),
        device("vda4", "part", usr, signature="DM_verity_hash"),
        device("vda8", "part", root, signature="crypto_LUKS", uuid=ROOT_UUID),
        serial="LAB-1-SYS",
        signature="gpt",
    )


def volume(path: str, uuid: str, pcrs: tuple[int, ...]) -> LuksVolume:
    slots = (KeySlot(0, "recovery", "argon2id", 262144), KeySlot(1, "tpm2", "pbkdf2", 0))
    return LuksVolume(path, uuid, "aes-xts-plain64", 512, slots, (TpmBinding(pcrs, (11,), "sha256", False),))


def service(unit: str, pid: int, namespace: int) -> Service:
    process = Process(pid, namespace, 61000 + pid, 0, True, 2)
    return Service(unit, "loaded", "active", "running", "success", process)


def record(name: str, uuid: str, stage: str, **changed: str) -> VolumeRecord:
    """A finished volume in the box's journal; `changed` replaces fields."""
    at = "2026-11-22T12:00:00Z"
    finished = VolumeRecord(name, uuid, stage, at, at, "", CIPHERTEXT_SHA256)
    return replace(finished, **changed)


def sealed_facts(**changed: Any) -> HostFacts:
    """Facts of a site where every check is ok. `read` is a second wide, and the box's clock lies inside."""
    facts = HostFacts(
        system=SystemFacts("debian", "13", "edge", "1.0", "6.12", "boot", USR),
        verity=VerityFacts(
            (
                VerityDevice("usr", USR, False, False),
                VerityDevice("model", MODEL, False, True),
                VerityDevice("drafting", DRAFTER, False, True),
            )
        ),
        processor=ProcessorFacts("QEMU TCG CPU", 1, 2, 2, BY_TOPOLOGY, (), frozenset({"avx", "avx2"})),
        memory=MemoryFacts(2900, ()),
        disks=DiskFacts((system_disk(), state_stack("vdb", "LAB-1-DATA0"), state_stack("vdc", "LAB-1-DATA1"))),
        luks=LuksFacts((volume("/dev/vda8", ROOT_UUID, (7,)), volume("/dev/md127", STATE_UUID, (7, 15)))),
        raid=RaidFacts((Array("md127", True, "raid1", ("vdb", "vdc"), (), 2, 2, ""),)),
        tpm=TpmFacts(2, {7: "00", 11: "00", 15: "00"}, ("sha256",)),
        secure_boot=SecureBootFacts(uefi=True, enabled=True, setup_mode=False),
        ruleset=RulesetFacts(
            RULES, tuple(BaseChain("inet", "edge", hook, hook, "drop") for hook in ("input", "forward", "output")), {}
        ),
        listeners=ListenerFacts(
            (
                Listener("tcp", "0.0.0.0", 22, "sshd"),
                Listener("tcp", "0.0.0.0", 443, "nginx"),
                Listener("tcp", "[::]", 9443, "nginx"),
                Listener("udp", "10.0.2.15%enp0s2", 68, "systemd-network"),
            )
        ),
        services=ServiceFacts(
            (
                service("appliance-transcription.service", 1, 101),
                service("appliance-health.service", 2, 102),
                service("appliance-nginx.service", 3, 100),
                service("appliance-gateway.service", 4, 104),
                service("appliance-drafting.service", 5, 105),
                Service("nftables.service", "loaded", "active", "exited", "success", None),
            ),
            100,
        ),
        interfaces=InterfaceFacts(
            (
                Interface("enp0s2", INTERFACES["enp0s2"], True, ("10.0.2.15/24",)),
                Interface("enp0s3", INTERFACES["enp0s3"], True, ("10.0.3.15/24",)),
            )
        ),
        links=LinkFacts(
            tuple(
                Link(name, "", mac, mac, True, 1500, None, None, None, "", "virtio_net", "", f"virtio{number}")
                for number, (name, mac) in enumerate(INTERFACES.items())
            )
        ),
        clock=ClockFacts(READ_AT_S + 0.5),
        seal=SealFacts(
            Seal(
                site="lab-1",
                sealed_at=datetime(2026, 11, 22, tzinfo=UTC),
                usr_root_hash=USR,
                ruleset_digest=RULES,
                state_volume=SealedVolume(luks_uuid=STATE_UUID),
                root_luks_uuid=ROOT_UUID,
                models=(
                    SealedModel(task="transcription", name="whisper-tiny.en", root_hash=MODEL),
                    SealedModel(task="drafting", name=DRAFTING, root_hash=DRAFTER),
                ),
            )
        ),
        storage=StorageFacts(
            ARRAY_UUID,
            (
                record("state", STATE_UUID, "ready"),
                record("root", ROOT_UUID, "enrolled"),
            ),
        ),
        lock=LockFacts(None),
        identity=IdentityFacts("-----BEGIN CERTIFICATE REQUEST-----\n", ""),
        read=ReadingTime(READ_AT_S, READ_AT_S + 1.0),
    )
    return replace(facts, **changed)


def bare_facts(**changed: Any) -> HostFacts:
    """Facts of a booted machine before its first provisioning: empty data disks, no seal, no services."""
    disks = DiskFacts(
        (
            system_disk(),
            device("vdb", "disk", serial="LAB-1-DATA0"),
            device("vdc", "disk", serial="LAB-1-DATA1"),
        )
    )
    return replace(
        sealed_facts(),
        **{
            "disks": disks,
            "luks": LuksFacts((volume("/dev/vda8", ROOT_UUID, (7,)),)),
            "raid": RaidFacts(()),
            "seal": SealFacts(None),
            "storage": StorageFacts("", ()),
            **changed,
        },
    )


def snapshot(verdict: str = "ok", **changed: Any) -> HealthSnapshot:
    """A health snapshot; `changed` replaces parts."""
    part = {"verdict": "ok", "reason": "compared"}
    names = (
        "image", "boot", "services", "engines", "gateway", "audit", "gpus", "storage", "isolation", "certificates",
        "disk", "clock",
    )  # fmt: skip
    return HealthSnapshot.model_validate(
        {
            "box": "lab-1",
            "site": "lab-1",
            "appliance_version": "0.1",
            "taken_at": "2026-11-22T12:00:00Z",
            "boot_id": "boot",
            "sequence": 7,
            "uptime_s": 100.0,
            "verdict": verdict,
            **dict.fromkeys(names, part),
            "models": {
                **part,
                "loaded": [
                    {"task": "transcription", "name": "whisper-tiny.en", "root_hash": MODEL},
                    {"task": "drafting", "name": DRAFTING, "root_hash": DRAFTER},
                ],
            },
            **changed,
        }
    )


def context(facts: HostFacts | None = None, **changed: Any) -> CheckContext:
    """The context of the sealed site; `changed` replaces its fields."""
    sealed = CheckContext(
        isolation=ISOLATION,
        site=SITE,
        profile=PROFILE,
        wanted=Wanted(USR, {"transcription": MODEL, "drafting": DRAFTER}),
        facts=facts or sealed_facts(),
        escrowed={ROOT_UUID: CIPHERTEXT_SHA256, STATE_UUID: CIPHERTEXT_SHA256},
        health=snapshot(),
    )
    return replace(sealed, **changed)


def unreadable(fact: str) -> Unreadable:
    return Unreadable(fact, "the command ended with 1")
