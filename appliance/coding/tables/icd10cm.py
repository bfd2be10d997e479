"""ICD-10-CM: the tabular list, its codes with 7th characters written out, and Medicare's dates and edits."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Sequence

from appliance.coding.suggestion import CodeSystem, Note
from appliance.coding.tables.icd10cm_xml import Node, read_tabular
from appliance.coding.tables.layout import PackHead, PackKind, Source, normal
from appliance.coding.tables.mce import read_edits
from appliance.coding.tables.records import CodeRecord, GroupRecord, Period
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.write import code_pack

LICENCE = "ICD-10-CM: NCHS and CMS, free in the United States; Medicare Code Editor: CMS, US government work"
_MOST_CODES = 500_000
_NOT_APPLIED = re.compile(
    r"7th characters? (.+?) do(?:es)? not apply to codes in category (\S+) with 6th character (.+)"
)
"""The one form in which the list takes 7th characters back (S06): which, from where, and with which 6th characters."""


class _Listing:
    """Chapters, blocks and codes in the list's order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: list[GroupRecord] = []
        self.codes: list[CodeRecord] = []
        self.seen: dict[str, int] = {}
        self.not_applied: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def add_group(self, node: Node, above: str) -> None:
        if any(group.name == node.name for group in self.groups):
            raise wrong(self.name, node.line, "a chapter or block that stands twice", seen=node.name)
        self.groups.append(GroupRecord(node.name, node.title, above, tuple(node.notes)))
        for each in node.below:
            if each.level == "section":
                self.add_group(each, node.name)
            else:
                self.add_code(each, "", node.name, ())

    def add_code(self, node: Node, parent: str, group: str, sevenths: Sequence[tuple[str, str]]) -> None:
        """A code and what stands below it; `sevenths` are the nearest 7th characters that are defined above."""
        sevenths = node.sevenths or sevenths
        self._take_back(node)
        extended: dict[str, str] = {}
        for character, words in sevenths if not node.below else ():
            if self._applies(node.name, character):
                extended.setdefault(character, words)
        notes = tuple(node.notes)
        if node.sevenths:
            notes += tuple(Note("seventh_character", f"{each} - {words}") for each, words in node.sevenths)
        self._put(CodeRecord(node.name, node.title, not node.below and not extended, parent, group, notes), node.line)
        for character, words in extended.items():
            code = with_seventh(node.name, character)
            title = f"{node.title}, {words}"
            self._put(CodeRecord(code, title, True, node.name, group, seventh_character=True), node.line)
        for each in node.below:
            self.add_code(each, node.name, group, sevenths)

    def _take_back(self, node: Node) -> None:
        for note in node.notes:
            found = _NOT_APPLIED.search(note.text)
            if found:
                characters, category, sixths = found.groups()
                which = frozenset(re.findall(r"\b[0-9A-Z]\b", characters))
                self.not_applied[normal(category)] = which, frozenset(re.findall(r"\b([0-9A-Z]) - ", sixths))

    def _applies(self, code: str, character: str) -> bool:
        key = normal(code)
        return not any(
            key.startswith(category) and character in characters and key[5:6] in sixths
            for category, (characters, sixths) in self.not_applied.items()
        )

    def _put(self, record: CodeRecord, line: int) -> None:
        key = normal(record.code)
        if key in self.seen:
            problem = f"a code that stands in line {self.seen[key]} already"
            raise wrong(self.name, line, problem, seen=record.code)
        if record.parent and not key.startswith(normal(record.parent)):
            raise wrong(self.name, line, f"a code that does not begin as {record.parent} above it", seen=record.code)
        if len(self.codes) >= _MOST_CODES:
            raise wrong(self.name, line, f"more than {_MOST_CODES} codes")
        self.seen[key] = line
        self.codes.append(record)


def with_seventh(code: str, character: str) -> str:
    """A code with its 7th character: places that are missing are held by X (T36.0X1 → T36.0X1A, S01 → S01.XXXA)."""
    key = normal(code).ljust(6, "X") + character
    return f"{key[:3]}.{key[3:]}"


def icd10cm_pack(
    tabular: bytes,
    name: str,
    *,
    version: str,
    effective_from: datetime.date,
    effective_to: datetime.date | None = None,
    edits: bytes | None = None,
    edits_name: str = "",
) -> bytes:
    """The pack of a tabular list.

    Args:
        tabular: The XML.
        name: Its file, for messages and the record of sources.
        version: As the publisher names it.
        effective_from: First day of service that it was published for.
        effective_to: Its last.
        edits: The Medicare code edits as tab-separated text; None: the table then has no dates of single codes.
        edits_name: Their file.

    Raises:
        TableFileError: a file is wrong; with line and column.
    """
    _, chapters = read_tabular(tabular, name)
    listing = _Listing(name)
    for chapter in chapters:
        listing.add_group(chapter, "")
    sources = [Source(name, hashlib.sha256(tabular).hexdigest())]
    periods: list[Period] = []
    if edits is not None:
        periods = read_edits(edits, edits_name)
        sources.append(Source(edits_name, hashlib.sha256(edits).hexdigest()))
    system = CodeSystem.ICD_10_CM
    head = PackHead(PackKind.CODES, system.value, version, effective_from, effective_to, LICENCE, tuple(sources))
    return code_pack(head, listing.codes, listing.groups, periods)


def written(key: str) -> str:
    """A code without the dot as it is written in practice ("E119" → "E11.9")."""
    key = normal(key)
    return key if len(key) <= 3 else f"{key[:3]}.{key[3:]}"
