"""What can be imported, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from appliance.coding.tables import cpt, favourites, hcpcs_cms, icd10cm_xml, icd11, mce
from appliance.coding.tables.compressed import GZIP
from appliance.coding.tables.foreign import refuse_foreign
from appliance.coding.tables.icd10cm import icd10cm_pack
from appliance.coding.tables.ncci_pairs import pairs_pack
from appliance.coding.tables.ncci_units import units_pack
from appliance.coding.tables.refusal import TableFileError, read_bounded, wrong
from appliance.coding.tables.stamp import Stamp
from appliance.errors import UsageError

_MAX_FILES = 16


class ImportKind(StrEnum):
    """The tables that can be brought in."""

    ICD_10_CM = "icd-10-cm"
    ICD_11_MMS = "icd-11-mms"
    HCPCS = "hcpcs"
    CPT = "cpt"
    NCCI_PTP = "ncci-ptp"
    NCCI_MUE = "ncci-mue"
    FAVOURITES = "favourites"


@dataclass(frozen=True, slots=True)
class _Reader:
    """How files of a kind become a pack.

    Args:
        read: Makes the pack.
        limit: The most bytes of one file.
        several: Whether there may be more than one.
        ended: Whether each line must have its end; not of favourites, which a practice types.
    """

    read: Callable[[Mapping[str, bytes], Stamp], bytes]
    limit: int
    several: bool = False
    ended: bool = True


def _one(read: Callable[[bytes, str, Stamp], bytes]) -> Callable[[Mapping[str, bytes], Stamp], bytes]:
    def whole(files: Mapping[str, bytes], stamp: Stamp) -> bytes:
        ((name, content),) = files.items()
        return read(content, name, stamp)

    return whole


def _icd10cm(files: Mapping[str, bytes], stamp: Stamp) -> bytes:
    names = list(files)
    edits = names[1] if len(names) > 1 else ""
    return icd10cm_pack(
        files[names[0]],
        names[0],
        version=stamp.version,
        effective_from=stamp.effective_from,
        effective_to=stamp.effective_to,
        edits=files[edits] if edits else None,
        edits_name=edits,
    )


_READERS = {
    ImportKind.ICD_10_CM: _Reader(_icd10cm, max(icd10cm_xml.MAX_BYTES, mce.MAX_BYTES), several=True),
    ImportKind.ICD_11_MMS: _Reader(_one(icd11.icd11_pack), 64 << 20),
    ImportKind.HCPCS: _Reader(_one(hcpcs_cms.hcpcs_pack), 64 << 20),
    ImportKind.CPT: _Reader(_one(cpt.cpt_pack), 32 << 20),
    ImportKind.NCCI_PTP: _Reader(lambda files, stamp: pairs_pack(dict(files), stamp), 256 << 20, several=True),
    ImportKind.NCCI_MUE: _Reader(_one(units_pack), 32 << 20),
    ImportKind.FAVOURITES: _Reader(_one(favourites.favourites_pack), 4 << 20, ended=False),
}


def read_files(kind: ImportKind, paths: list[Path], stamp: Stamp) -> bytes:
    """Read a table's files and return its pack. Nothing is written.

    Args:
        kind: What they are.
        paths: One file; of NCCI pairs as many as the table has; of ICD-10-CM the XML and, second, Medicare's edits.
        stamp: Version and days.

    Raises:
        TableFileError: a file is wrong; with line and column.
        UsageError: a file cannot be read, or there are too many.
    """
    reader = _READERS[kind]
    most = 1 if not reader.several else 2 if kind is ImportKind.ICD_10_CM else _MAX_FILES
    if not 1 <= len(paths) <= most:
        problem = f"{kind}: {len(paths)} files were given, at most {most} fit"
        raise UsageError(problem, hint="give the files of one table")
    files = {path.name: read_bounded(path, reader.limit) for path in paths}
    if len(files) != len(paths):
        raise UsageError("two files have the same name", hint="give each file of the table once")
    try:
        for name, content in files.items():
            refuse_foreign(content, name)
        pack = reader.read(files, stamp)
        for name, content in files.items():
            if reader.ended:
                _refuse_cut_off(content, name)
        return pack
    except TableFileError as error:
        error.hint = _next(kind, error, files) or error.hint
        raise


def _refuse_cut_off(content: bytes, name: str) -> None:
    """Refuse a table whose last line has no end: what is left of it may read like a whole row.

    XML and gzip tell by themselves when they were cut off.
    """
    told = content.startswith(GZIP) or content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    if not told and not content.rstrip(b"\0\x1a").endswith((b"\n", b"\r")):
        raise wrong(name, content.count(b"\n") + 1, "the last line has no end")


def _next(kind: ImportKind, error: TableFileError, files: Mapping[str, bytes]) -> str:
    """What to do about a wrong file, where more can be told than to bring it as it was published."""
    if error.line and len(files) == 1:
        (content,) = files.values()
        if not content.endswith(b"\n") and error.line > content.count(b"\n"):
            return (
                "nothing was imported; it is the file's last line, and has no end: was the file cut off on its way? "
                "If it is whole, end its last line"
            )
    if kind is ImportKind.FAVOURITES:
        return "nothing was imported; correct the list (CSV with the columns code, label, system) and import it again"
    return ""
