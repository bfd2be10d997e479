"""HsmFacts: PKCS#11 modules that are configured on the host, and the tokens behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import at_most, text

MAX_MODULES = 64
MAX_TOKENS = 256
# Tokens that keep their keys in files of the machine itself. A token cannot be asked what it is made of: PKCS#11 has a
# flag for slots, which every maker sets as he likes and p11-kit does not print.
SOFTWARE_MODELS = frozenset({"SoftHSM v2"})
# Where packages and an administrator configure modules, one file each (pkcs11.conf(5)).
MODULE_FOLDERS = ("/usr/share/p11-kit/modules/", "/etc/pkcs11/modules/")
_SUFFIX = ".module"
_NO_SUCH_FOLDER = 2  # ls(1): cannot access
_MODULE = re.compile(r"^\S+: ")
_TOKEN = re.compile(r"^ +token:")
_FIELD = re.compile(r"^ +([a-z-]+):(?: (.*))?$")


@dataclass(frozen=True)
class Token:
    """CK_TOKEN_INFO (PKCS#11 2.40, section 3.2): names and flags as the module gives them, flags in p11-kit's words."""

    label: str
    manufacturer: str
    model: str
    serial: str
    hardware_version: str
    firmware_version: str
    flags: frozenset[str]

    @property
    def holds_keys(self) -> bool:
        """It is set up and asks for a PIN: the store of trusted certificates does not, an empty slot neither."""
        return {"token-initialized", "login-required", "user-pin-initialized"} <= self.flags

    @property
    def software(self) -> bool:
        """Known to keep its keys in files; False says only that it is none of those that we know."""
        return self.model in SOFTWARE_MODELS


@dataclass(frozen=True)
class Pkcs11Module:
    """One module of p11-kit's configuration; `library` is the file that was loaded."""

    name: str
    library: str
    description: str
    manufacturer: str
    version: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class HsmFacts:
    """`not_loaded` names modules that are configured and that p11-kit did not list: it leaves out what it cannot load,
    and ends with 0 all the same."""

    modules: tuple[Pkcs11Module, ...]
    not_loaded: tuple[str, ...]

    @property
    def key_tokens(self) -> tuple[Token, ...]:
        """Tokens that are ready to hold keys."""
        return tuple(token for module in self.modules for token in module.tokens if token.holds_keys)


def parse(outputs: Sequence[Output]) -> HsmFacts:
    *folders, listing = outputs
    printed = stdout_of(listing, "p11-kit list-modules")
    modules = tuple(_modules([line for line in printed.splitlines() if line.strip()]))
    at_most(modules, MAX_MODULES, "PKCS#11 modules")
    configured = frozenset[str]().union(*map(_configured, folders))
    facts = HsmFacts(modules, tuple(sorted(configured - {module.name for module in modules})))
    if facts.not_loaded and not facts.key_tokens:
        raise UnreadableError(f"no token for keys, and p11-kit did not load {', '.join(facts.not_loaded)[:200]}")
    return facts


def _configured(folder: Output) -> frozenset[str]:
    """Names of the modules that a folder configures; of one that does not exist, none."""
    if folder.completed.exit_code == _NO_SUCH_FOLDER and not folder.completed.stdout.strip():
        return frozenset()
    names = stdout_of(folder, "ls of p11-kit's configuration").split()
    return frozenset(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def _modules(lines: Sequence[str]) -> Iterator[Pkcs11Module]:
    for block in _blocks(lines, _MODULE):
        first = next((i for i, line in enumerate(block) if _TOKEN.match(line)), len(block))
        head = _fields(block[1:first])
        # p11-kit 0.25 gives the file below the name, 0.24 (Debian 12) beside it.
        name, _, beside = block[0].removeprefix("module: ").partition(": ")
        yield Pkcs11Module(
            name=text(name, "module"),
            library=head.get("path") or text(beside, "path"),
            description=head.get("library-description", ""),
            manufacturer=head.get("library-manufacturer", ""),
            version=head.get("library-version", ""),
            tokens=tuple(_token(token) for token in at_most(_blocks(block[first:], _TOKEN), MAX_TOKENS, "tokens")),
        )


def _blocks(lines: Sequence[str], head: re.Pattern[str]) -> list[list[str]]:
    """Lines from one that `head` matches to the next."""
    found: list[list[str]] = []
    for line in lines:
        if head.match(line):
            found.append([])
        if not found:
            raise UnreadableError(f"p11-kit printed an unexpected line: {line[:80]!r}")
        found[-1].append(line)
    return found


def _fields(lines: Sequence[str]) -> dict[str, str]:
    """Indented "name: value" lines. The URI repeats what the others say."""
    matches = [match for match in map(_FIELD.match, lines) if match]
    return {match[1]: text(match[2] or "", match[1]) for match in matches if match[1] != "uri"}


def _token(lines: list[str]) -> Token:
    # p11-kit prints the flags last, one a line.
    flags_at = next((i for i, line in enumerate(lines) if line.strip() == "flags:"), len(lines))
    fields = _fields(lines[:flags_at])
    return Token(
        label=fields["token"],
        manufacturer=fields["manufacturer"],
        model=fields["model"],
        serial=fields["serial-number"],
        hardware_version=fields.get("hardware-version", ""),
        firmware_version=fields.get("firmware-version", ""),
        flags=frozenset(text(line, "flag") for line in lines[flags_at + 1 :]),
    )


HSM = Fact(
    "hsm",
    (*(command("ls", folder) for folder in MODULE_FOLDERS), command("p11-kit", "list-modules")),
    parse,
)
