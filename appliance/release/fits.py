"""Whether a release may and can run on this box: everything that can be said before anything is touched, collected."""

from dataclasses import dataclass

from appliance.clinical.document import DocumentKind
from appliance.contract.release import ReleaseManifest
from appliance.contract.seal import Seal
from appliance.engine.settings import VLLM
from appliance.release.facts import Hardware, Room
from appliance.release.record import Record, plain

# The rest of the system, the gateway and the page cache of a box that has nothing to spare.
_HOST_RESERVE_MIB = 512
# Below 3 % the health agent calls the volume critical (health/concerns/disk.py); a release must not bring it there. On
# a large volume that share is more than anything needs.
_RESERVE_SHARE, _MOST_RESERVE = 0.03, 2 << 30


@dataclass(frozen=True)
class Asked:
    """What a release is held against. `coming_bytes`: what of it still has to be written to the disk.
    `no_slot`: why the operating system that it brings cannot be written here."""

    record: Record
    seal: Seal
    hardware: Hardware
    room: Room
    site_channel: str | None
    coming_bytes: int
    no_slot: str = ""


def refusals(manifest: ReleaseManifest, channel: str, asked: Asked) -> tuple[str, ...]:
    """Return every reason against it; empty when there is none."""
    found = [
        *_channel(channel, asked), *_order(manifest, asked.record), *_system(manifest, asked, None),
        *_tasks(manifest, asked), *_engine(manifest, asked), *_adapters(manifest, asked.hardware), *_disk(asked),
        *_memory(manifest, asked.hardware),
    ]  # fmt: skip
    return tuple(plain(each) for each in found)[:16]


def system_refusals(manifest: ReleaseManifest, asked: Asked, usr: str) -> tuple[str, ...]:
    """Return every reason why a set that ran here, with that operating system, does not fit the box as it is now."""
    found = [*_system(manifest, asked, usr), *_tasks(manifest, asked), *_engine(manifest, asked)]
    found += [*_adapters(manifest, asked.hardware), *_memory(manifest, asked.hardware)]
    return tuple(plain(each) for each in found)


def _channel(channel: str, asked: Asked) -> list[str]:
    if asked.site_channel is None or asked.site_channel == channel:
        return []
    return [f"channel: this site follows {asked.site_channel}, the release is offered in {channel}"]


def _order(manifest: ReleaseManifest, record: Record) -> list[str]:
    found = []
    denied = next(
        (each for each in record.denied if each.digest == manifest.digest or each.release == manifest.name), None
    )
    if denied is not None:
        found.append(f"denied here since {denied.at:%Y-%m-%d}, until an operator clears it: {denied.reason}")
    if manifest.sequence < record.minimum_sequence:
        found.append(f"sequence {manifest.sequence} is below {record.minimum_sequence}, the least this box accepts")
    active = record.active
    if active is not None and active.digest != manifest.digest:
        if manifest.sequence < active.sequence:
            found.append(
                f"sequence {manifest.sequence} is older than {active.sequence} of {active.words}, which runs; only "
                "`release rollback` goes back"
            )
        elif manifest.sequence == active.sequence:
            found.append(f"sequence {manifest.sequence} is that of {active.words}, which runs and is another release")
    return found


def _system(manifest: ReleaseManifest, asked: Asked, usr: str | None) -> list[str]:
    """`usr`: the system that it will run on; None: the one that it brings, else the running one."""
    found = []
    running = asked.hardware.usr_root_hash
    brought = manifest.system.root_hash if manifest.system is not None else running
    if (usr or brought) not in manifest.usr_root_hashes:
        wanted = ", ".join(each[:12] for each in manifest.usr_root_hashes)
        found.append(f"OS image: the box runs /usr {(usr or running)[:12]}, the release was made for {wanted}")
    if usr is None and brought != running and asked.no_slot:
        found.append(f"OS image: {asked.no_slot}")
    if asked.seal.usr_root_hash != running:
        found.append(f"OS image: the box runs /usr {running[:12]}, sealed is {asked.seal.usr_root_hash[:12]}")
    return found


def _tasks(manifest: ReleaseManifest, asked: Asked) -> list[str]:
    offered, here = {each.task for each in manifest.models}, {each.task for each in asked.seal.models}
    found = [f"{task}: this site runs it, and the release has no model for it" for task in sorted(here - offered)]
    found += [f"{task}: this site was not provisioned for it" for task in sorted(offered - here)]
    return found


def _adapters(manifest: ReleaseManifest, hardware: Hardware) -> list[str]:
    """Base and form fit each other in every manifest; here is what only this box knows."""
    found = [
        f"adapters: {each.name} has rank {each.rank}, the engine here takes {hardware.adapter_rank} at most"
        for each in manifest.adapters
        if each.rank > hardware.adapter_rank
    ]
    for each in manifest.adapters:
        if unknown := sorted(set(each.kinds) - {kind.value for kind in DocumentKind}):
            found.append(f"adapters: {each.name} is for {', '.join(unknown)}, which this box does not draft")
    return found


def _engine(manifest: ReleaseManifest, asked: Asked) -> list[str]:
    if asked.seal.model_for("drafting") is None:
        return []
    if manifest.engine != asked.hardware.engine:
        return [f"engine: the box drafts with {asked.hardware.engine}, the release was made for {manifest.engine}"]
    if manifest.engine != VLLM:
        return []
    sealed = asked.seal.engine.root_hash if asked.seal.engine else None
    if sealed != manifest.engine_root_hash:
        return [
            f"engine: the box has image {(sealed or 'none')[:12]}, the release was made for "
            f"{(manifest.engine_root_hash or 'none')[:12]}"
        ]
    return []


def _disk(asked: Asked) -> list[str]:
    if not asked.coming_bytes:
        return []
    reserve = min(int(asked.room.size_bytes * _RESERVE_SHARE), _MOST_RESERVE)
    if asked.room.free_bytes - asked.coming_bytes >= reserve:
        return []
    mib = 1 << 20
    return [
        f"disk: {asked.coming_bytes // mib + 1} MiB have to come and {reserve // mib} MiB stay free; "
        f"{asked.room.free_bytes // mib} MiB are free"
    ]


def _memory(manifest: ReleaseManifest, hardware: Hardware) -> list[str]:
    transcription, drafting = manifest.model_for("transcription"), manifest.model_for("drafting")
    needed = {each.task: each.memory_mib for each in (transcription, drafting) if each is not None}
    if drafting is not None:
        # All of them are loaded at once, beside the model.
        needed["drafting"] += sum(each.memory_mib for each in manifest.adapters)
    if hardware.cards and drafting is not None:
        # Transcription lies on one card; the engine takes the same share of each, as appliance/engine/vllm.py reckons.
        room = hardware.cards * (hardware.card_memory_mib - hardware.transcription_mib)
        found = []
        if needed["drafting"] > room:
            found.append(f"GPU memory: drafting needs {needed['drafting']} MiB, the cards have {room} MiB for it")
        if needed["transcription"] > hardware.transcription_mib:
            found.append(
                f"GPU memory: transcription needs {needed['transcription']} MiB, {hardware.transcription_mib} MiB of a "
                "card are set aside for it"
            )
        return found
    total = sum(needed.values())
    room = hardware.host_memory_mib - _HOST_RESERVE_MIB
    return [f"memory: the models need {total} MiB, the machine has {room} MiB for them"] if total > room else []
