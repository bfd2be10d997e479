"""The release machine of a box: each order of `appliancectl release`, once, whoever sends it how often."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime

from appliance.contract.release import ReleaseManifest, SystemComponent
from appliance.contract.release_status import Action, Offer, Outcome, Phase, WantedImage
from appliance.errors import ApplianceError, NotVerifiedError, RefusedError, UnknownStateError, UsageError
from appliance.facts.reading import UnreadableError, read_text
from appliance.release import system_switch
from appliance.release.book import Book, committed
from appliance.release.draining import ToldToEndError, demand_in_time, drained
from appliance.release.facts import Sealed, read_hardware
from appliance.release.fits import Asked, refusals, system_refusals
from appliance.release.images import basis_of, task_of
from appliance.release.incoming import Arrivals, tidy
from appliance.release.locks import turn
from appliance.release.parts import Parts
from appliance.release.record import Ended, KeptSet, OpenChange, plain
from appliance.release.recovery import finish
from appliance.release.switch import changed_tasks, go_forward, side_of_new, side_of_old
from appliance.release.trust import RevokedError, Vouched

# For the record and the seal, which are written on the way; without it not even the way back is certain.
_LEAST_FREE = 8 << 20
_CODES: dict[int, type[ApplianceError]] = {
    6: RefusedError, 9: NotVerifiedError, 5: UnknownStateError, 2: UsageError
}  # fmt: skip
Work = Callable[[Book, OpenChange, Sealed], None]


class Machine:
    """Every public method is one command. All raise ApplianceError; its exit code is the command's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def offer(self, release: str, channel: str) -> Offer:
        """Verify the metadata, and say what of a release is missing here or why the box will not have it."""
        with self._alone(heed_site=False) as book:
            sealed = book.observe()
            try:
                vouched = self._vouched(book, release, channel)
            except RevokedError as error:
                return Offer(release=release, channel=channel, digest=error.digest, refused=(plain(str(error)),))
            manifest = vouched.manifest
            refused = refusals(manifest, channel, self._asked(book, sealed, manifest))
            return Offer(
                release=release, channel=channel, digest=manifest.digest, refused=refused,
                missing=() if refused else self._missing(manifest, book.record.active),
            )  # fmt: skip

    def stage(self, operation: str, release: str, channel: str) -> Ended | None:
        """Prove everything of a release that arrived, and make it the staged set."""

        def work(book: Book, change: OpenChange, sealed: Sealed) -> None:
            vouched = self._vouched(book, release, channel)
            manifest = vouched.manifest
            self._demand_fit(manifest, channel, self._asked(book, sealed, manifest))
            sets = (book.record.active, book.record.previous)
            in_use = frozenset(each.root_hash for kept in sets if kept is not None for each in kept.images)
            for component in manifest.images:
                self._demand_going_on()
                self._parts.say("staging", f"prove {component.name}")
                self._parts.images.take(component, in_use)
            if manifest.system is not None and not self._parts.slots.holds(manifest.system.root_hash):
                self._demand_going_on()
                self._write_system(book, manifest.system)
            with suppress(OSError):  # one release comes at a time: what else arrived is of one that does not
                hashes = tuple(component.root_hash for component in manifest.components)
                self._parts.images.drop_arrivals(set(hashes))
                tidy(Arrivals(self._parts.places.releases), hashes)
            self._parts.disk.make_directory(self._parts.places.sets)
            self._parts.disk.replace(self._parts.places.manifest(manifest.digest), vouched.content, mode=0o644)
            book.close(change, "done", staged=KeptSet.of(manifest, channel), reason=f"{release} is staged")

        return self._once(operation, "stage", release, "staging", work, clean=True)

    def activate(
        self, operation: str, release: str, drain_timeout_s: float, not_after: datetime | None
    ) -> Ended | None:
        """Switch to the staged set: drain, switch, start, probe, commit; or go back.

        None: it brings another operating system, and the machine starts anew; the status tells how it goes on.
        """

        def work(book: Book, change: OpenChange, sealed: Sealed) -> None:
            active, staged = book.record.active, book.record.staged
            if active is not None and active.release == release and (staged is None or staged.digest == active.digest):
                book.close(change, "done", reason=f"{release} runs already")
                return
            if staged is None or staged.release != release or active is None or staged.channel is None:
                found = f"staged is {staged.words}" if staged else "nothing is staged"
                raise RefusedError(f"{release} is not staged: {found}", hint="appliancectl release stage, first")
            demand_in_time(book.time, not_after)
            vouched = self._vouched(book, release, staged.channel)
            if vouched.manifest.digest != staged.digest:
                raise RefusedError(f"{release} was signed anew since it was staged", hint="stage it again")
            self._demand_fit(vouched.manifest, staged.channel, self._asked(book, sealed, vouched.manifest))
            self._switch(book, change, sealed, (active, staged), drain_timeout_s, not_after)

        return self._once(operation, "activate", release, "draining", work, clean=True)

    def rollback(self, operation: str, reason: str, drain_timeout_s: float) -> Ended | None:
        """Return to the last good set by order, and deny the one that is left. None: as of `activate`."""

        def work(book: Book, change: OpenChange, sealed: Sealed) -> None:
            active, previous = book.record.active, book.record.previous
            if active is None or previous is None:
                raise RefusedError("there is no earlier set to return to", hint="stage and activate another release")
            denied = book.record.is_denied(previous) if previous.digest else None
            if denied is not None:
                raise RefusedError(f"{previous.words} is denied here: {denied.reason}", hint="clear it first")
            if previous.sequence < book.record.minimum_sequence:
                raise RefusedError(
                    f"{previous.words} has sequence {previous.sequence}; since {active.words} runs, nothing below "
                    f"{book.record.minimum_sequence} is accepted",
                    hint="stage and activate a newer release",
                )
            if {each.task for each in previous.models} != {each.task for each in sealed.seal.models}:
                raise RefusedError(
                    f"{previous.words} has other tasks than this site now", hint="stage and activate another release"
                )
            if previous.usr not in (None, sealed.seal.usr_root_hash) and not self._parts.slots.holds(
                previous.usr or ""
            ):
                raise RefusedError(
                    f"the operating system of {previous.words} is in no slot any more",
                    hint="stage and activate another release",
                )
            self._demand_own_fit(book, sealed, previous)
            self._switch(book, change, sealed, (active, previous), drain_timeout_s, None, reason)

        return self._once(operation, "rollback", None, "draining", work, clean=True)

    def clear(self, operation: str, release: str) -> Ended | None:
        """Take a release off the deny-list."""

        def work(book: Book, change: OpenChange, sealed: Sealed) -> None:
            left = tuple(each for each in book.record.denied if each.release != release)
            words = "may be tried again" if len(left) < len(book.record.denied) else "was not denied"
            book.close(change, "done", reason=f"{release} {words}", denied=left)

        return self._once(operation, "clear", release, "idle", work)

    def recover(self, *, at_boot: bool = False) -> str:
        """Finish a change that was cut off; say what was done. Whoever holds the site's lock needs a whole box too."""
        with self._turn(heed_site=False):
            book = Book(self._parts)
            words = finish(self._parts, book, at_boot=at_boot)
            return words or "nothing was open"

    def _switch(
        self, book: Book, change: OpenChange, sealed: Sealed, sets: tuple[KeptSet, KeptSet], drain_timeout_s: float,
        not_after: datetime | None, reason: str = "",
    ) -> None:  # fmt: skip
        parts, (active, wanted) = self._parts, sets
        parts.say("draining", f"prove {wanted.words} before anything is touched")
        parts.images.prove(wanted)
        self._demand_room()
        old, new = side_of_old(parts, active, sealed), side_of_new(parts, wanted, sealed, active)
        change = change.model_copy(update={"words": reason})
        if new.usr != old.usr:
            parts.slots.prove(new.usr or "")
        try:
            words = f"{active.words} is exchanged for {wanted.words}"
            drained(parts, change.operation, drain_timeout_s, not_after, words)
            demand_in_time(parts.now(), not_after)
            if new.usr != old.usr:
                system_switch.order(parts, book, change, (old, new))
                return
            if changed_tasks(active, wanted):
                parts.say("switching", "nothing is in work")
            go_forward(
                parts, book, change, (old, new),
                lambda change: committed(book, change, (active, wanted)),
            )  # fmt: skip
        finally:
            if not _starts_anew(book):
                with suppress(OSError):  # the order has an end of its own
                    parts.drain.end()

    def _vouched(self, book: Book, release: str, channel: str) -> Vouched:
        at = book.time
        vouched = self._parts.trust.vouched(channel, release, at, book.record.metadata)
        book.keep(metadata=vouched.metadata, newest_time=at)
        return vouched

    def _asked(self, book: Book, sealed: Sealed, manifest: ReleaseManifest) -> Asked:
        places, images = self._parts.places, self._parts.images
        try:
            channel = read_text(places.channel).strip() if places.channel.exists() else None
        except UnreadableError as error:
            raise UnknownStateError(str(error), hint="look at the file") from None
        coming = sum(
            each.size_bytes - images.arrived_bytes(each)
            for each in manifest.images
            if not images.has(each.root_hash, each.size_bytes)
        )
        system, unfit = manifest.system, ""
        if system is not None and not self._parts.slots.holds(system.root_hash):
            coming += system.size_bytes - images.arrived_bytes(system)
            if system.root_hash != self._parts.slots.running():
                unfit = self._parts.slots.unfit(system)
        room = self._parts.room(places.releases)
        return Asked(book.record, sealed.seal, read_hardware(places), room, channel, coming, unfit)

    def _demand_own_fit(self, book: Book, sealed: Sealed, kept: KeptSet) -> None:
        """The operating system may be another one since a set ran here. A provisioned set was sealed with its own."""
        if kept.digest is None:
            return
        path = self._parts.places.manifest(kept.digest)
        try:
            manifest = ReleaseManifest.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            raise UnknownStateError(f"{path} cannot be read", hint="stage and activate another release") from None
        usr = kept.usr or sealed.seal.usr_root_hash
        if found := system_refusals(manifest, self._asked(book, sealed, manifest), usr):
            raise RefusedError("; ".join(found), hint="stage and activate another release")

    @staticmethod
    def _demand_fit(manifest: ReleaseManifest, channel: str, asked: Asked) -> None:
        if found := refusals(manifest, channel, asked):
            raise RefusedError("; ".join(found), hint="nothing was changed; choose a release that fits this box")

    def _demand_room(self) -> None:
        for path in (self._parts.places.releases, self._parts.places.seal.parent):
            free = self._parts.room(path).free_bytes
            if free < _LEAST_FREE:
                raise RefusedError(
                    f"{path}: {free >> 10} KiB are free, wanted are {_LEAST_FREE >> 10}", hint="make room"
                )

    def _missing(self, manifest: ReleaseManifest, active: KeptSet | None) -> tuple[WantedImage, ...]:
        images = self._parts.images
        found = [
            WantedImage(
                task=task_of(each), root_hash=each.root_hash,
                sha256=each.sha256, size_bytes=each.size_bytes, basis=basis_of(each, active),
                received_bytes=images.arrived_bytes(each),
            )
            for each in manifest.images
            if not images.has(each.root_hash, each.size_bytes) and not images.has_arrived(each)
        ]  # fmt: skip
        system = manifest.system
        if system is not None and not self._parts.slots.holds(system.root_hash) and not images.has_arrived(system):
            found.append(
                WantedImage(
                    task="system", root_hash=system.root_hash, sha256=system.sha256, size_bytes=system.size_bytes,
                    basis=self._parts.slots.running(), received_bytes=images.arrived_bytes(system),
                )
            )  # fmt: skip
        return tuple(found)

    def _demand_going_on(self) -> None:
        if self._parts.is_told_to_end():
            raise ToldToEndError("told to end while images were proven", hint="stage it again: it goes on")

    def _write_system(self, book: Book, component: SystemComponent) -> None:
        """Write an operating system into the idle slot. A set whose system was in it cannot be returned to any more:
        that is written down first. The running set's own slot is never touched."""
        usr = self._parts.slots.running()

        def lost(kept: KeptSet | None) -> bool:
            return kept is not None and kept.usr not in (None, usr, component.root_hash)

        gone: dict[str, None] = {
            role: None for role in ("previous", "staged") if lost(getattr(book.record, role))
        }  # fmt: skip
        if gone:
            book.keep(**gone)
        self._parts.say("staging", f"write {component.name} to the idle slot")
        self._parts.images.take_system(component, lambda source: self._parts.slots.write(component, source))

    def _turn(self, *, heed_site: bool) -> AbstractContextManager[None]:
        parts = self._parts
        return turn(parts.places, parts.now(), heed_site=heed_site, monotonic=parts.monotonic, sleep=parts.sleep)

    @contextmanager
    def _alone(self, *, heed_site: bool = True) -> Iterator[Book]:
        with self._turn(heed_site=heed_site):
            book = Book(self._parts)
            finish(self._parts, book)
            yield book

    def _once(
        self, operation: str, action: Action, release: str | None, phase: Phase, work: Work, *, clean: bool = False
    ) -> Ended | None:
        """Do an operation that was not done yet; the same one again has the same end. None: the machine starts anew."""
        try:
            with self._alone() as book:
                if (known := book.record.found(operation)) is not None:
                    return _again(known, action, release)
                change = book.open(book.new_change(operation, action, release, phase))
                self._attempt(book, change, work)
                if _starts_anew(book):
                    return None
                if clean:
                    self._clean(book)
                return self._end_of(book, operation)
        except OSError as error:
            raise ApplianceError(
                f"{error.filename or 'the disk'}: {error.strerror or error}",
                hint="free space on the volumes, then give the same order again",
            ) from None

    def _attempt(self, book: Book, change: OpenChange, work: Work) -> None:
        try:
            work(book, change, book.observe())
        except (ApplianceError, OSError, KeyboardInterrupt) as error:
            self._write_down(book, change, error)
            raise

    @staticmethod
    def _write_down(book: Book, change: OpenChange, error: BaseException) -> None:
        """Close a change that ended before the switch; one that went further was closed where it went back."""
        if book.record.change is None or book.record.change.old is not None:
            return
        reason, hint, code = str(error), "", 1
        outcome: Outcome = "failed"
        if isinstance(error, ApplianceError):
            hint, code = error.hint, error.exit_code
        if isinstance(error, RefusedError):
            outcome = "refused"
        elif isinstance(error, ToldToEndError | KeyboardInterrupt):
            outcome, reason = "interrupted", reason or "told to end"
        with suppress(OSError):  # a full disk: the next command finds it open, and closes it
            book.close(change, outcome, exit_code=code, reason=reason, hint=hint)

    def _clean(self, book: Book) -> None:
        """Give up what no set names any more. A failure costs room, and nothing else."""
        kept = book.record.kept()
        hashes = {image.root_hash for each in kept for image in each.images}
        with suppress(OSError):
            self._parts.images.give_up(hashes)
            digests = {each.digest for each in kept}
            for path in self._parts.places.sets.glob("*.json"):
                if path.stem not in digests:
                    self._parts.disk.remove(path)

    @staticmethod
    def _end_of(book: Book, operation: str) -> Ended:
        ended = book.record.found(operation)
        if ended is None:
            raise UnknownStateError(f"operation {operation} has no end", hint="ask `appliancectl release status`")
        return ended


def _starts_anew(book: Book) -> bool:
    return book.record.change is not None and book.record.change.phase == "rebooting"


def _again(known: Ended, action: Action, release: str | None) -> Ended:
    if (known.action, known.release) != (action, release):
        raise UsageError(
            f"operation {known.operation} was {known.action} of {known.release or 'the last good set'}",
            hint="give every order an id of its own",
        )
    if known.exit_code:
        raise _CODES.get(known.exit_code, ApplianceError)(known.reason, hint=known.hint or "give a new order")
    return known
