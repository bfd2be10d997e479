"""The tables that the appliance comes with: ICD-10-CM with Medicare's edits, and HCPCS Level II of 2020.

A pack of each is made while the OS image is built and lies in /usr, under dm-verity. Elsewhere (a developer's checkout)
it is made at its first use and kept in the cache. Either way it is used only if it has the digest that stands in
appliance/coding/data/built_in.json, so what a suggestion names as its table is the same everywhere.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.codes import PackedTable, open_table
from appliance.coding.tables.hcpcs_list import read_list
from appliance.coding.tables.icd10cm import icd10cm_pack
from appliance.coding.tables.layout import PackHead, PackKind, Source
from appliance.coding.tables.pack import read_pack
from appliance.coding.tables.write import code_pack, digest_of
from appliance.errors import NotVerifiedError, UnknownStateError

IN_IMAGE = Path("/usr/lib/appliance/codes")
DATA = Path(__file__).resolve().parent.parent / "data"
_HINT = "install the appliance again"
_ICD = "icd10c-tabular-April-1-2026.xml"
_MCE = "mce_v43_1_icd10cm.tsv.gz"
_HCPCS = "hcpcs_level2_2020.tsv.gz"
_HCPCS_LICENCE = "HCPCS Level II: CMS, public domain; list of github.com/wamuir/hcpcs, CC BY 3.0, rearranged"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in pack: its system, its version and the digest that it must have."""

    system: CodeSystem
    version: str
    sha256: str


@lru_cache(maxsize=1)
def built_in() -> tuple[BuiltIn, ...]:
    """The built-in packs."""
    listed = json.loads((DATA / "built_in.json").read_text())
    return tuple(BuiltIn(CodeSystem(each["system"]), each["version"], each["sha256"]) for each in listed)


@lru_cache(maxsize=4)
def built_in_table(system: CodeSystem = CodeSystem.ICD_10_CM) -> PackedTable:
    """The built-in table of a system, verified; opened once a process.

    Raises:
        KeyError: none is built in for that system.
        NotVerifiedError: what is there, or what was made here, has not the digest that it must have.
        UnknownStateError: the package with the tabular list is not installed.
    """
    wanted = {each.system: each for each in built_in()}[system]
    for folder in (IN_IMAGE, cache_folder(os.environ)):
        path = folder / f"{wanted.sha256}.pack"
        if path.is_file():
            return open_table(path, wanted.sha256)
    content = make(wanted)
    path = cache_folder(os.environ) / f"{wanted.sha256}.pack"
    # A service without a home has no cache: then the pack stays in memory.
    with contextlib.suppress(OSError):
        keep(content, path)
        return open_table(path, wanted.sha256)
    return PackedTable(read_pack(content, wanted.sha256))


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where packs are kept that were made outside of an image."""
    base = environment.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path(environment.get("HOME") or "/nonexistent") / ".cache"
    return folder / "appliance" / "codes"


def keep(content: bytes, path: Path) -> None:
    """Write a pack, whole or not at all; OSError when it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".making-", delete=False) as file:
        made = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            made.chmod(0o444)
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def make(wanted: BuiltIn) -> bytes:
    """Make a built-in pack of its sources (3 s for ICD-10-CM) and compare it with its digest.

    Raises:
        NotVerifiedError: its sources are others than those that it was pinned with.
        UnknownStateError: the package with the tabular list is not installed.
    """
    content = _icd10cm() if wanted.system is CodeSystem.ICD_10_CM else _hcpcs()
    found = digest_of(content)
    if found != wanted.sha256:
        raise NotVerifiedError(
            f"the built-in {wanted.system} pack came out as {found[:16]}…, {wanted.sha256[:16]}… was wanted", hint=_HINT
        )
    return content


def _icd10cm() -> bytes:
    package = importlib.util.find_spec("simple_icd_10_cm")
    places = list(package.submodule_search_locations or ()) if package is not None else []
    if not places:
        raise UnknownStateError("the package simple-icd-10-cm is not installed", hint=_HINT)
    try:
        tabular = (Path(places[0]) / "data" / _ICD).read_bytes()
    except OSError as error:
        raise UnknownStateError(f"simple-icd-10-cm: {_ICD}: {error.strerror}", hint=_HINT) from None
    return icd10cm_pack(
        tabular,
        _ICD,
        version="2026-04-01",
        effective_from=datetime.date(2026, 4, 1),
        edits=(DATA / _MCE).read_bytes(),
        edits_name=_MCE,
    )


def _hcpcs() -> bytes:
    content = (DATA / _HCPCS).read_bytes()
    source = Source(_HCPCS, hashlib.sha256(content).hexdigest())
    head = PackHead(
        PackKind.CODES, CodeSystem.HCPCS.value, "2020-04-01", datetime.date(2020, 4, 1), None, _HCPCS_LICENCE, (source,)
    )
    return code_pack(head, read_list(content, _HCPCS), (), ())


def write_built_in(folder: Path) -> list[Path]:
    """Make every built-in pack in a folder; what the build of an OS image calls. Returns the files."""
    paths = []
    for each in built_in():
        path = folder / f"{each.sha256}.pack"
        keep(make(each), path)
        paths.append(path)
    return paths
