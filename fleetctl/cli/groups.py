"""Options that come together, as one parameter of a command.

    @app.command()
    @grouped
    def verify(sites: SiteChoice, access: Access, output: OutputOption = OutputFormat.table) -> None: ...

has on its command line what `SiteChoice` and `Access` declare. Help shows what is common to many commands last.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer

from fleetctl.cli.options import FleetOption, PassphraseFdOption, PassphraseFileOption, SelectorOption
from fleetctl.errors import UsageError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site

if TYPE_CHECKING:
    from fleetctl.trust.passphrase import Passphrase


class OptionGroup:
    """The parameters of a subclass's `__init__` are its options, declared as a command declares its own."""

    common: ClassVar[bool] = False


class PassphraseSource(OptionGroup):
    """Where the passphrase of the keys is read from. Nothing is read before `passphrase` is called."""

    common = True

    def __init__(self, passphrase_fd: PassphraseFdOption = None, passphrase_file: PassphraseFileOption = None) -> None:
        self._fd: int | None = passphrase_fd
        self._file: Path | None = passphrase_file

    def passphrase(self, *, new: bool = False) -> Passphrase:
        """See `Passphrase.from_options`."""
        from fleetctl.trust.passphrase import Passphrase

        return Passphrase.from_options(self._fd, self._file, new=new)


class Access(PassphraseSource):
    """A fleet, and the passphrase of its keys."""

    def __init__(
        self,
        fleet: FleetOption = None,
        passphrase_fd: PassphraseFdOption = None,
        passphrase_file: PassphraseFileOption = None,
    ) -> None:
        super().__init__(passphrase_fd, passphrase_file)
        self._path: Path | None = fleet

    @functools.cached_property
    def fleet(self) -> FleetDir:
        """The fleet directory. Raises `UsageError` when there is none."""
        return FleetDir.find(self._path)


class SiteChoice(OptionGroup):
    """The sites that a command is about, by name or by label."""

    def __init__(
        self,
        names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Names of sites, or use -l.")] = None,
        selector: SelectorOption = None,
    ) -> None:
        self._names: list[str] | None = names
        self._selector: list[str] | None = selector

    def of(self, fleet: FleetDir) -> list[Site]:
        """The sites named, or those with the labels. `UsageError` when that is none: nothing done is not success."""
        if self._names and self._selector:
            raise UsageError("both names and selectors were given", hint="give site names, or -l key=value")
        if self._names:
            return [fleet.site(name) for name in dict.fromkeys(self._names)]
        if not self._selector:
            raise UsageError("no site was named", hint="give site names, or -l key=value; fleetctl site list")
        sites = fleet.sites(self._selector)
        if not sites:
            raise UsageError(f"no site has the labels {', '.join(self._selector)}", hint="fleetctl site list")
        return sites


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with each parameter that is an `OptionGroup` spelled out, as Typer wants to see it."""
    shown: dict[str, inspect.Parameter] = {}
    groups: dict[str, tuple[type[OptionGroup], tuple[str, ...]]] = {}
    for name, (kind, parameter) in _declared(command).items():
        if not (isinstance(kind, type) and issubclass(kind, OptionGroup)):
            shown[name] = parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=kind)
            continue
        members = _declared(kind.__init__)
        del members["self"]
        if twice := members.keys() & shown.keys():
            raise TypeError(f"{command.__name__} declares {', '.join(sorted(twice))} twice")
        shown |= {
            member: inner.replace(kind=inner.KEYWORD_ONLY, annotation=hint) for member, (hint, inner) in members.items()
        }
        groups[name] = (kind, tuple(members))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, (kind, members) in groups.items():
            given[name] = kind(**{member: given.pop(member) for member in members})
        command(**given)

    common = {"output"}.union(*(members for kind, members in groups.values() if kind.common))
    ordered = sorted(shown.values(), key=lambda parameter: (parameter.name in common, parameter.name == "output"))
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in shown.items()}
    return run


def _declared(function: Callable[..., Any]) -> dict[str, tuple[Any, inspect.Parameter]]:
    hints = get_type_hints(function, include_extras=True)
    return {name: (hints.get(name), found) for name, found in inspect.signature(function).parameters.items()}
