"""A hospital's server as its facts show it: what the profile hospital-r760xa asks for, to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fleetctl.checks.context import CheckContext
from fleetctl.facts.disks import BlockDevice, DiskFacts
from fleetctl.facts.dmi import DmiFacts
from fleetctl.facts.endorsement import EkCertificate, EndorsementFacts, TpmChip
from fleetctl.facts.host import HostFacts
from fleetctl.facts.hsm import HsmFacts, Pkcs11Module, Token
from fleetctl.facts.kernel import KernelFacts, NvidiaDriver
from fleetctl.facts.links import Link, LinkFacts
from fleetctl.facts.memory import MemoryFacts
from fleetctl.facts.memory_encryption import MemoryEncryptionFacts
from fleetctl.facts.memory_modules import MemoryModule, MemoryModuleFacts
from fleetctl.facts.nvme import LockingState, NvmeDrive, NvmeFacts, NvmeNamespace, NvmeSmart
from fleetctl.facts.processor import BY_TOPOLOGY, ProcessorFacts
from fleetctl.facts.time_sync import TimeSyncFacts
from fleetctl.models.fleetdir import load_profile
from fleetctl.models.profile import HardwareProfile, HardwareProfileSpec, HsmRequirement, builtin_profile_paths
from tests.fakes import site as fake

SERIALS = tuple(f"S6XPNE0W90000{number}" for number in range(4))
HOSPITAL = load_profile("hospital-r760xa", builtin_profile_paths())
# The machine without its GPUs: those have tests of their own.
PROFILE = HOSPITAL.model_copy(
    update={
        "spec": HOSPITAL.spec.model_copy(
            update={"gpus": [], "hsm": HsmRequirement(required=True, models=["Network HSM"])},
        )
    }
)
DISK_BYTES = 3_840_755_982_336

SMART = NvmeSmart(
    critical_warning=0,
    temperature_c=34,
    spare_percent=100,
    spare_threshold_percent=10,
    used_percent=1,
    media_errors=0,
    power_on_hours=41,
    unsafe_shutdowns=2,
)
EK_CERTIFICATE = EkCertificate(0x01C0000A, "ECC NIST P-256", 900)
TOKEN = Token(
    "appliance",
    "Example HSM Maker",
    "Network HSM",
    "4711",
    "1.0",
    "3.2",
    frozenset({"token-initialized", "login-required", "user-pin-initialized"}),
)


def drive(number: int, **changed: Any) -> NvmeDrive:
    """Data disk `number`."""
    whole = NvmeDrive(
        controller=f"nvme{number}",
        address=f"0000:{number + 1:02x}:00.0",
        model="Example NVMe 3.84TB",
        serial=SERIALS[number],
        firmware="1.0.1",
        namespaces=(NvmeNamespace(1, f"/dev/nvme{number}n1", DISK_BYTES, 512),),
        smart=SMART,
        security_commands=True,
        locking=LockingState(supported=True, enabled=False, locked=False, media_encryption=True),
    )
    return replace(whole, **changed)


def drives(**changed: Any) -> NvmeFacts:
    """All four, the first one changed."""
    return NvmeFacts((drive(0, **changed), *(drive(number) for number in range(1, 4))))


def module(slot: int, **changed: Any) -> MemoryModule:
    whole = MemoryModule(
        slot=f"A{slot + 1}",
        size_mib=32768,
        kind="DDR5",
        detail="Synchronous Registered (Buffered)",
        total_width_bits=80,
        data_width_bits=64,
        speed_mts=4800,
        configured_mts=4800,
        manufacturer="Example Memory",
        part="M321",
        serial=f"M{slot:04}",
        ecc="Multi-bit ECC",
    )
    return replace(whole, **changed)


def modules(**changed: Any) -> MemoryModuleFacts:
    """Sixteen of them, the first one changed."""
    return MemoryModuleFacts(32, (module(0, **changed), *(module(slot) for slot in range(1, 16))))


def port(name: str, mac: str, **changed: Any) -> Link:
    whole = Link(name, "", mac, mac, True, 1500, 10000, "full", None, "", "bnxt_en", "229.1", f"0000:0{name[-1]}:00.0")
    return replace(whole, **changed)


def ports(**changed: Any) -> LinkFacts:
    """The two of the site file, the clinical one changed."""
    networks = fake.SITE.spec.networks
    return LinkFacts(
        (
            port("eno1", networks.management.interface_mac),
            port("eno2", networks.clinical.interface_mac, **changed),
        )
    )


def _disk(number: int) -> BlockDevice:
    return BlockDevice(f"nvme{number}n1", f"/dev/nvme{number}n1", "disk", DISK_BYTES, SERIALS[number], "", "", (), ())


def server_facts(**changed: Any) -> HostFacts:
    """The server, bare, with the facts given in `changed` in place of its own."""
    facts = fake.bare_facts(
        processor=ProcessorFacts(
            "INTEL(R) XEON(R) GOLD 6448Y", 2, 64, 128, BY_TOPOLOGY, ("0x2b000639",), frozenset({"aes", "avx2"})
        ),
        memory=MemoryFacts(515_000, ()),
        disks=DiskFacts((fake.system_disk(), *(_disk(number) for number in range(4)))),
        dmi=DmiFacts("Dell Inc.", "PowerEdge R760xa", None, "7ABCDE1", 23, "Dell Inc.", "2.4.4", "11/20/2024"),
        memory_encryption=MemoryEncryptionFacts("TME", True, "AES-XTS-256", "IA32_TME_ACTIVATE says enabled"),
        memory_modules=modules(),
        nvme=drives(),
        endorsement=EndorsementFacts(
            TpmChip("NTC", "NPCT75x", "0x70002.0x20000", (EkCertificate(0x01C0000A, "ECC", 900),))
        ),
        hsm=HsmFacts((Pkcs11Module("hsm", "/usr/lib/hsm.so", "", "Example HSM Maker", "3.2", (TOKEN,)),), ()),
        links=ports(),
        kernel=KernelFacts("6.12.0", "integrity", 0, {}, NvidiaDriver("550.163.01", open_module=True)),
        time_sync=TimeSyncFacts(enabled=False, synchronized=False, server=None),
    )
    return replace(facts, **changed)


def server_context(profile: HardwareProfile = PROFILE, **changed: Any) -> CheckContext:
    """The server at a site whose file names its disks."""
    storage = fake.SITE.spec.storage.model_copy(update={"data_disks": list(SERIALS)})
    spec = fake.SITE.spec.model_copy(update={"storage": storage, "profile": profile.name})
    site = fake.SITE.model_copy(update={"spec": spec})
    return fake.context(server_facts(**changed), site=site, profile=profile)


def profile_with(**spec: Any) -> HardwareProfile:
    """The profile with parts of its spec replaced."""
    data = PROFILE.spec.model_dump() | spec
    return PROFILE.model_copy(update={"spec": HardwareProfileSpec.model_validate(data)})
