"""Options of the commands that sign releases: which folders of keys, the passphrase, a token's module and PIN."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access
from fleetctl.cli.options import FleetOption, OutputFormat, PassphraseFdOption, PassphraseFileOption
from fleetctl.errors import UsageError

if TYPE_CHECKING:
    from fleetctl.release.repository import Outcome
    from fleetctl.release.repository_write import Hand
    from fleetctl.release.store import ReleaseStore
    from fleetctl.trust.passphrase import Passphrase
    from fleetctl.trust.release_keys import KeyRecord, ReleaseKeys
    from fleetctl.trust.release_signers import Keyring

ChannelOption = Annotated[str, typer.Option("--channel", help="Channel: who holds its keys decides about its sites.")]
ReleaseArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the release.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a line: boxes and people are shown it.")]


class ReleaseAccess(Access):
    """A fleet's release repository, and the keys that sign it."""

    def __init__(
        self,
        fleet: FleetOption = None,
        keys_dir: Annotated[
            list[Path] | None,
            typer.Option(
                "--keys-dir",
                help="Folder of release keys, for instance on a medium; repeat for several. These alone are used then.",
                show_default="release/ in the key directory",
                file_okay=False,
            ),
        ] = None,
        passphrase_fd: PassphraseFdOption = None,
        passphrase_file: PassphraseFileOption = None,
        pkcs11_module: Annotated[
            Path | None,
            typer.Option(
                "--pkcs11-module", envvar="FLEETCTL_PKCS11_MODULE", help="Library of the token that holds a key."
            ),
        ] = None,
        pin_fd: Annotated[
            int | None,
            typer.Option("--pin-fd", metavar="N", min=0, help="Read the token's PIN from file descriptor N."),
        ] = None,
        pin_file: Annotated[
            Path | None, typer.Option("--pin-file", help="Read the token's PIN from this file.")
        ] = None,
    ) -> None:
        super().__init__(fleet, passphrase_fd, passphrase_file)
        self._dirs: list[Path] | None = keys_dir
        self.module: Path | None = pkcs11_module
        self._pin_fd: int | None = pin_fd
        self._pin_file: Path | None = pin_file

    @property
    def store(self) -> ReleaseStore:
        """Where the repository is."""
        from fleetctl.release.store import ReleaseStore

        return ReleaseStore(self.fleet)

    @property
    def folders(self) -> list[ReleaseKeys]:
        """The folders that were named, else the fleet's own."""
        from fleetctl.trust.release_keys import ReleaseKeys

        if self._dirs:
            return [ReleaseKeys(path.absolute()) for path in self._dirs]
        return [ReleaseKeys.of_fleet(self.fleet.keys)]

    def keyring(self, *more: ReleaseKeys, new: bool = False) -> Keyring:
        """The keys of these folders. `new`: the passphrase will seal keys that are made."""
        from fleetctl.trust.release_signers import Keyring

        return Keyring(
            [*self.folders, *(each for each in more if each not in self.folders)],
            lambda: self.passphrase(new=new),
            self.pin,
            self.module,
        )

    def pin(self) -> Passphrase:
        """See `pin_from`."""
        from fleetctl.trust.release_signers import pin_from

        return pin_from(self._pin_fd, self._pin_file)

    def hand(self, dry_run: bool, keyring: Keyring | None = None) -> Hand:
        """What signs and writes, or only looks."""
        from fleetctl.release.repository_write import LookingHand, SigningHand

        found = keyring if keyring is not None else self.keyring()
        return LookingHand(found) if dry_run else SigningHand(found)

    def record(self, text: str) -> KeyRecord:
        """A key's record: a file, or the name of a key in the folders at hand. Raises `UsageError`."""
        from fleetctl.nearest import nearest
        from fleetctl.trust.release_keys import read_record

        path = Path(text)
        if path.is_file():
            return read_record(path)
        at_hand = {each.name: each for folder in self.folders if folder.exists() for each in folder.records()}
        if text not in at_hand:
            raise UsageError(
                f"{text!r} is neither a file with a key's record nor a key at hand",
                hint=nearest(text, at_hand, "fleetctl release keys make NAME; a record is NAME.json beside the key"),
            )
        return at_hand[text]


def tell(outcome: Outcome, output: OutputFormat) -> None:
    """Write what a change came to."""
    from rich.text import Text

    from fleetctl.report.emit import emit

    emit(outcome, output, lambda done: Text(done.text()))
