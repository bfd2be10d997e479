"""A site's `appliancectl release` over SSH, and what it is sent by rsync: the Box of a rollout."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from appliance.contract.envelope import Envelope
from appliance.contract.model import ContractModel
from appliance.contract.release import ChannelName, ReleaseName, bom_target, manifest_target
from appliance.contract.release_incoming import Incoming
from appliance.contract.release_status import Offer, OperationId, ReleaseStatus, ReleaseStep, WantedImage
from fleetctl.errors import ChangeError, ConfigError, FleetctlError, NoRoomError, UnreachableError, UsageError
from fleetctl.facts.base import Completed
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.models.site import Site
from fleetctl.release.local_images import LocalImages
from fleetctl.remote import release_commands as commands
from fleetctl.remote.connection import Connection
from fleetctl.remote.release_stream import CANNOT_TELL, ReleaseStream, refusal
from fleetctl.remote.rsync import Moved, Parcel, Road, block_bytes, send
from fleetctl.rollout.box import Rest, Sent
from fleetctl.rollout.clinical_policy import policy_of
from fleetctl.trust.tmpfs import private_tmpfs_dir

Document = TypeVar("Document", bound=ContractModel)

ASK_S = 120.0
# An older image of tens of gigabytes is copied behind what was received, on a busy disk.
PREPARE_S = 3600.0
# Every byte of the images is read and compared; a hard disk reads 100 MB/s.
STAGE_S = 6 * 3600.0
EVALUATE_S = 12 * 3600
# Besides the drain: weights are read, the engine warms up, a sample is probed, and all of it back again.
SWITCH_S = 3600.0
# As long as a box drains before a rollback when it is told nothing else.
ROLLBACK_DRAIN_S = 1800.0
# A change tells its steps. Between two of them an engine may load weights for minutes.
SILENCE_S = 1800.0
TRANSFER_S = 30 * 24 * 3600.0
SMALL_TRANSFER_S = 1800.0
# A connection that nobody has used may have died without a word, with the box or a router between.
_IDLE_S = 20.0
_ALIVE_S = 20.0


class SshBox:
    """One site. Opened at first use and cheap: one SSH connection, no Ansible. May be used by several threads."""

    def __init__(
        self,
        site: Site,
        fleetdir: FleetDir,
        images: LocalImages,
        agent: Callable[[], Path],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        on_step: Callable[[ReleaseStep], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`agent` gives the socket of an agent that has the key now: `AgentKeeper.socket`."""
        self._site = site
        self._fleetdir = fleetdir
        self._images = images
        self._agent = agent
        self._cancelled = cancelled
        self._on_step = on_step
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._used_s = 0.0
        self._users = 0

    def __enter__(self) -> SshBox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. The box may be used again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def status(self) -> ReleaseStatus:
        """Ask for the status; changes nothing."""
        return self._ask(commands.status(), "appliancectl release status", ReleaseStatus, timeout_s=ASK_S)

    def offer(self, release: str, channel: str) -> Offer:
        """Send metadata and manifest, and ask what is missing or why it is refused."""
        _checked(release=release, channel=channel)
        names = self._repository(release, channel)
        target = self._prepare(None).repository
        self._send(Parcel(self._images.store.folder, names, target, relative=True), SMALL_TRANSFER_S)
        return self._ask(commands.offer(release, channel), "appliancectl release offer", Offer, timeout_s=PREPARE_S)

    def receive(self, wanted: WantedImage, *, kib_s: int | None, on_progress: Callable[[int], None]) -> Sent:
        """Send one image: a delta where the box has an older one, from where an earlier transfer broke off."""
        path = self._images.path(wanted.root_hash, wanted.sha256, wanted.size_bytes)
        answer = self._prepare(wanted)
        if answer.image is None or answer.image.root_hash != wanted.root_hash:
            raise UnreachableError(
                "appliancectl release receive-prepare did not answer for this image",
                hint="appliancectl version on the box",
                host=self._site.name,
            )
        parcel = Parcel(
            path.parent,
            (path.name,),
            answer.images,
            basis=answer.image.basis,
            kib_s=kib_s,
            block_bytes=block_bytes(wanted.size_bytes, system=wanted.task == "system"),
        )
        try:
            moved = self._send(parcel, TRANSFER_S, on_progress)
        except NoRoomError:
            # The box looks at its disk, keeps what came and says what is free and needed; else rsync's words stand.
            self._prepare(wanted)
            self._give_back(answer)
            raise
        except UnreachableError:
            raise
        except FleetctlError:
            self._give_back(answer)
            raise
        self._give_back(answer)
        return Sent(wanted.root_hash, wanted.size_bytes, moved.wire_bytes, moved.seconds, answer.image.no_basis)

    def _give_back(self, answer: Incoming) -> None:
        """Have the box take away what it has copied for a delta: any order does, and else the next one would."""
        if answer.image is not None and answer.image.appended_bytes:
            with suppress(FleetctlError):
                self._prepare(None)

    def stage(self, operation: str, release: str, channel: str) -> ReleaseStatus:
        """Have everything verified and made the staged set."""
        _checked(operation=operation, release=release, channel=channel)
        argv = commands.stage(operation, release, channel)
        return self._change(argv, "stage", operation, timeout_s=STAGE_S)

    def evaluate(
        self, operation: str, release: str, clinical: ClinicalSpec, evaluation_set: bytes, *, rest: Rest | None = None
    ) -> bytes:
        """Run the evaluation set there; return the envelope as the box wrote it, its signature not yet compared."""
        _checked(operation=operation, release=release)
        within_s = EVALUATE_S if rest is None or rest.within_s is None else min(rest.within_s, EVALUATE_S)
        drain_timeout_s = None if rest is None else rest.drain_timeout_s
        digest = hashlib.sha256(evaluation_set).hexdigest()
        target = self._prepare(None).evaluation
        with private_tmpfs_dir("evaluation") as folder:
            (folder / digest).write_bytes(evaluation_set)
            self._send(Parcel(folder, (digest,), target), SMALL_TRANSFER_S)
        stream, done = self._hear(
            commands.evaluate(operation, release, f"{target}/{digest}", policy_of(clinical), within_s, drain_timeout_s),
            "appliancectl release evaluate",
            timeout_s=EVALUATE_S + ASK_S,
            silence_s=EVALUATE_S + ASK_S,
            order=f"evaluate {operation}",
        )
        if done.exit_code == CANNOT_TELL:
            # It answered: an engine did not start, or proved nothing. Asked again it would say the same.
            said = refusal(done, "appliancectl release evaluate", self._site.name)
            raise ChangeError(said.message, hint=said.hint, host=self._site.name)
        stream.answer(done, Envelope)
        return stream.last_line.encode()

    def activate(
        self, operation: str, release: str, *, drain_timeout_s: int, not_after: datetime | None
    ) -> ReleaseStatus:
        """Drain, switch, warm up, probe, then commit; or be rolled back."""
        _checked(operation=operation, release=release)
        if not_after is not None and not_after.tzinfo is None:
            raise UsageError("not_after has no time zone", hint="give an aware datetime")
        argv = commands.activate(operation, release, drain_timeout_s, not_after)
        timeout_s = drain_timeout_s + SWITCH_S
        return self._change(argv, "activate", operation, timeout_s=timeout_s, quiet_s=drain_timeout_s)

    def rollback(self, operation: str, reason: str) -> ReleaseStatus:
        """Return to the last good set, and deny the one that was left."""
        _checked(operation=operation)
        argv = commands.rollback(operation, reason)
        timeout_s = ROLLBACK_DRAIN_S + SWITCH_S
        return self._change(argv, "rollback", operation, timeout_s=timeout_s, quiet_s=ROLLBACK_DRAIN_S)

    def clear(self, operation: str, release: str) -> ReleaseStatus:
        """Take a release off the deny-list."""
        _checked(operation=operation, release=release)
        return self._change(commands.clear(operation, release), "clear", operation, timeout_s=ASK_S)

    def _repository(self, release: str, channel: str) -> tuple[str, ...]:
        """What of the repository is sent. The box believes none of it before it has compared the signatures."""
        store = self._images.store
        for path in (store.metadata / "timestamp.json", store.targets / manifest_target(channel, release)):
            if not path.is_file():
                raise ConfigError(
                    f"{path}: there is no such file, so {release} is not signed for {channel}",
                    hint="fleetctl release list shows what is; fleetctl release approve signs",
                )
        bom = bom_target(channel, release)
        return ("metadata", f"targets/{manifest_target(channel, release)}", f"targets/{bom}")

    def _prepare(self, wanted: WantedImage | None) -> Incoming:
        argv, title = commands.receive_prepare(wanted), "appliancectl release receive-prepare"
        return self._ask(argv, title, Incoming, timeout_s=PREPARE_S)

    def _send(
        self, parcel: Parcel, deadline_s: float, on_progress: Callable[[int], None] = lambda _: None
    ) -> Moved:  # fmt: skip
        road = Road(self._site, self._fleetdir.known_hosts, self._agent())
        return send(road, parcel, deadline_s=deadline_s, on_progress=on_progress, cancelled=self._cancelled)

    def _ask(self, argv: list[str], title: str, wanted: type[Document], *, timeout_s: float) -> Document:
        """Something that changes nothing which could not be asked again."""
        stream, done = self._hear(argv, title, timeout_s=timeout_s, silence_s=timeout_s)
        return stream.answer(done, wanted)

    def _change(
        self, argv: list[str], action: str, operation: str, *, timeout_s: float, quiet_s: float = 0.0
    ) -> ReleaseStatus:  # fmt: skip
        stream, done = self._hear(
            argv,
            f"appliancectl release {action}",
            timeout_s=timeout_s,
            silence_s=quiet_s + SILENCE_S,
            order=f"{action} {operation}",
        )
        return stream.answer(done, ReleaseStatus)

    def _hear(
        self, argv: list[str], title: str, *, timeout_s: float, silence_s: float, order: str = ""
    ) -> tuple[ReleaseStream, Completed]:
        """Run it and take in what it says. `order`: a change, of which nothing is known when the line is cut."""
        stream = ReleaseStream(self._site.name, title, self._on_step)
        with self._opened() as connection:
            try:
                done = connection.stream(argv, stream.take, timeout_s=timeout_s, silence_s=silence_s)
            except UnreachableError as problem:
                if not order:
                    raise
                raise UnreachableError(
                    f"{problem.message}; what became of `{order}` is not known",
                    hint="the box goes on by itself: ask for its status, which has the operation and how it ended",
                    host=self._site.name,
                ) from problem
        return stream, done

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        """The connection; a new one when it is silent and nobody is at work over it. Raises: nothing was asked."""
        with self._lock:
            idle = self._users == 0 and self._clock() - self._used_s > _IDLE_S
            if self._connection is not None and idle:
                try:
                    self._connection.run(["true"], timeout_s=_ALIVE_S)
                except UnreachableError:
                    self._connection.close()
                    self._connection = None
            if self._connection is None:
                self._connection = Connection(self._site, self._fleetdir, self._agent(), self._cancelled)
            self._connection.open()
            self._users += 1
            connection = self._connection
        try:
            yield connection
        finally:
            with self._lock:
                self._users -= 1
                self._used_s = self._clock()


def _checked(*, operation: str | None = None, release: str | None = None, channel: str | None = None) -> None:
    """What becomes a part of a path or a command is what the contract says it is."""
    given = (
        ("operation", OperationId, operation),
        ("release", ReleaseName, release),
        ("channel", ChannelName, channel),
    )
    for what, kind, value in given:
        if value is None:
            continue
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError as problem:
            raise UsageError(f"{what}: {value!r}: {problem.errors()[0]['msg']}", hint="fleetctl release list") from None
