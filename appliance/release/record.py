"""The box's own record of its releases: one small file that is replaced as a whole, so that a cut at any byte leaves
the record of before or the one behind.

One file and no journal of lines: what a change needs to be finished or undone is bounded, and with a commit that is
one replacement there is no state between two lines to reason about. It is written ahead: a change stands in it, with
the old and the new of everything that is switched, before anything is touched, and leaves it with the commit.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from appliance.contract.model import Sha256Hex, left_out_if_empty
from appliance.contract.release import ChannelName, ReleaseManifest, ReleaseName
from appliance.contract.release_status import (
    Action,
    Denied,
    LastChange,
    OperationId,
    Outcome,
    Phase,
    SetState,
    TrustedMetadata,
)
from appliance.contract.seal import ModelTask, SealedAdapter, SealedModel
from appliance.errors import UnknownStateError
from appliance.release.disk import Disk
from appliance.watch.journal import framed, parse

MAX_BYTES = 4 << 20
_KEPT_CHANGES, _KEPT_DENIALS = 32, 64


class Part(BaseModel):
    """A part of the record. It never leaves the box; the version is the record's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeptModel(Part):
    """One model of a set. `installed_as`: what its link said when the provisioning had installed it."""

    task: ModelTask
    name: str
    root_hash: Sha256Hex
    size_bytes: int
    installed_as: str | None = None


class KeptAdapter(Part):
    """One adapter of a set; its place in the set is where the drafting unit mounts it."""

    name: str
    digest: Sha256Hex
    root_hash: Sha256Hex
    size_bytes: int
    rank: int
    kinds: tuple[str, ...]
    installed_as: str | None = None


class KeptPack(Part):
    """One code table of a set."""

    name: str
    sha256: Sha256Hex
    size_bytes: int

    @property
    def root_hash(self) -> str:
        """What it is kept under."""
        return self.sha256


class KeptSet(Part):
    """A set that was verified here. `release` and `digest` are None for what the provisioning installed.

    Without adapters it is written as it was before there were any: an OS image of then may have to read it again.
    `usr`: root hash of the operating system that belongs to it; None when none was ever changed since it came.
    """

    release: ReleaseName | None
    sequence: int
    digest: Sha256Hex | None
    channel: ChannelName | None = None
    minimum_sequence: int = 0
    models: tuple[KeptModel, ...]
    usr: Sha256Hex | None = None
    adapters: tuple[KeptAdapter, ...] = ()
    code_packs: tuple[KeptPack, ...] = ()

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return left_out_if_empty(handler(self), "adapters", "code_packs")

    @property
    def images(self) -> tuple[KeptModel | KeptAdapter | KeptPack, ...]:
        """Everything that lies on the disk for it."""
        return (*self.models, *self.adapters, *self.code_packs)

    @property
    def hashes(self) -> dict[ModelTask, str]:
        """Root hash a task."""
        return {model.task: model.root_hash for model in self.models}

    @property
    def words(self) -> str:
        """Its name, for people."""
        return self.release or "the provisioned set"

    @classmethod
    def of(cls, manifest: ReleaseManifest, channel: str) -> "KeptSet":
        """The set that a verified manifest names."""
        models = tuple(
            KeptModel(task=each.task, name=each.name, root_hash=each.root_hash, size_bytes=each.size_bytes)
            for each in manifest.models
        )
        adapters = tuple(
            KeptAdapter(
                name=each.name, digest=each.digest, root_hash=each.root_hash, size_bytes=each.size_bytes,
                rank=each.rank, kinds=each.kinds,
            )
            for each in manifest.adapters
        )  # fmt: skip
        return cls(
            release=manifest.name, sequence=manifest.sequence, digest=manifest.digest, channel=channel,
            minimum_sequence=manifest.minimum_sequence, models=models, adapters=adapters,
            code_packs=tuple(
                KeptPack(name=each.name, sha256=each.sha256, size_bytes=each.size_bytes) for each in manifest.code_packs
            ),
            usr=manifest.system.root_hash if manifest.system is not None else None,
        )  # fmt: skip

    def sealed(self) -> list[dict[str, str]]:
        """The models as they stand in the seal."""
        return [
            SealedModel(task=each.task, name=each.name, root_hash=each.root_hash).model_dump() for each in self.models
        ]

    def sealed_adapters(self) -> list[dict[str, Any]]:
        """The adapters as they stand in the seal."""
        return [
            SealedAdapter(
                name=each.name, digest=each.digest, root_hash=each.root_hash, rank=each.rank, kinds=each.kinds
            ).model_dump(mode="json")
            for each in self.adapters
        ]

    def state(self, *, complete: bool) -> SetState:
        """What is told of it."""
        return SetState(
            release=self.release,
            sequence=self.sequence,
            digest=self.digest,
            models=self.hashes,
            usr_root_hash=self.usr,
            complete=complete,
            adapters=tuple(each.root_hash for each in self.adapters),
        )


class Side(Part):
    """Everything that is switched, as it is on one side of a change. `usr`: the operating system that runs then."""

    kept: KeptSet
    seal: str
    links: dict[ModelTask, str]
    usr: Sha256Hex | None = None
    adapter_links: tuple[str, ...] = Field((), description="By the place where each is mounted.")

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return left_out_if_empty(handler(self), "adapter_links")


class OpenChange(Part):
    """A change that goes on, or that was cut off.

    `old` and `new` are there from the moment that something may be switched. `blamed`: the release was started, so what
    went wrong since is held against it. `restored`: the files are the old ones again; that they serve is not proven.
    `cut`: it was found open. `stuck`: the old set did not serve either; only an order or the next boot tries again.
    `words`: why it was ordered. `reboots`: how often the machine was told to start the old operating system again.
    """

    operation: OperationId
    action: Action
    release: ReleaseName | None
    started_at: AwareDatetime
    phase: Phase
    boot_id: str
    old: Side | None = None
    new: Side | None = None
    reason: str = ""
    cut: bool = False
    blamed: bool = False
    restored: bool = False
    stuck: bool = False
    words: str = ""
    reboots: int = 0

    @property
    def changes_system(self) -> bool:
        """Whether the two sides run other operating systems, so that the machine starts anew in between."""
        return self.old is not None and self.new is not None and self.old.usr != self.new.usr


class Ended(Part):
    """An operation that is over, and with which exit code; the same order again gets the same answer."""

    operation: OperationId
    action: Action
    release: ReleaseName | None
    started_at: AwareDatetime
    ended_at: AwareDatetime
    outcome: Outcome
    exit_code: int
    reason: str = ""
    hint: str = ""

    def told(self) -> LastChange:
        """As it is told."""
        return LastChange.model_validate(self.model_dump(exclude={"exit_code", "hint"}))


class Record(Part):
    """The whole of it."""

    schema_version: Literal["release-record/v1"] = "release-record/v1"
    active: KeptSet | None = None
    previous: KeptSet | None = None
    staged: KeptSet | None = None
    minimum_sequence: int = 0
    denied: tuple[Denied, ...] = ()
    ended: tuple[Ended, ...] = Field((), max_length=_KEPT_CHANGES)
    change: OpenChange | None = None
    newest_time: AwareDatetime | None = None
    metadata: TrustedMetadata | None = None

    def kept(self) -> tuple[KeptSet, ...]:
        """The sets whose images stay."""
        sides = (self.change.old, self.change.new) if self.change else ()
        found = (self.active, self.previous, self.staged, *(side.kept for side in sides if side))
        return tuple(each for each in found if each is not None)

    def found(self, operation: str) -> Ended | None:
        """How an operation ended, when it did."""
        return next((each for each in self.ended if each.operation == operation), None)

    def is_denied(self, kept: KeptSet) -> Denied | None:
        """The denial of a set, by name or digest."""
        return next((each for each in self.denied if kept.digest == each.digest or kept.release == each.release), None)

    def over(self, ended: Ended) -> tuple[Ended, ...]:
        """The operations that are over, newest first, with this one."""
        return (ended, *(each for each in self.ended if each.operation != ended.operation))[:_KEPT_CHANGES]

    def with_denial(self, kept: KeptSet, at: datetime, reason: str) -> tuple[Denied, ...]:
        """The deny-list with this set; a provisioned one has no name to deny."""
        if kept.release is None or kept.digest is None:
            return self.denied
        new = Denied(release=kept.release, digest=kept.digest, at=at, reason=plain(reason) or "no reason was given")
        return (new, *(each for each in self.denied if each.digest != new.digest))[:_KEPT_DENIALS]


def plain(text: str, limit: int = 300) -> str:
    """One line of printable characters."""
    return "".join(each if each.isprintable() else " " for each in text).strip()[:limit]


def load(path: Path) -> Record:
    """Read the record; without one nothing was ever done here. Raises UnknownStateError when it is damaged."""
    hint = f"move it out of {path.parent} and keep it, then provision the site again: fleetctl site provision"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Record()
    except OSError as error:
        raise UnknownStateError(f"{path}: {error.strerror}", hint="look at the state volume") from None
    read = parse(data)
    if len(data) > MAX_BYTES or len(read.records) != 1 or read.damaged or read.end != len(data):
        raise UnknownStateError(f"{path} is damaged: it does not fit its checksum", hint=hint)
    try:
        return Record.model_validate(read.records[0])
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
        raise UnknownStateError(f"{path} is not understood: {where}", hint=hint) from None


def keep(path: Path, record: Record, disk: Disk) -> None:
    """Put the record in place of the one before. It counts when this returns. Raises OSError."""
    disk.replace(path, framed(record.model_dump(mode="json")), mode=0o600)
