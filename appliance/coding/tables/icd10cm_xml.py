"""The tabular list of ICD-10-CM in the XML of its publisher (CDC, NCHS), read in one pass with bounds.

Read with expat alone: a document type, entities of its own or a depth that the list does not have end the reading, and
every refusal names line and column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from appliance.coding.suggestion import Note
from appliance.coding.tables.compressed import CONTROLS
from appliance.coding.tables.refusal import wrong

MAX_BYTES = 64 << 20
_MAX_DEPTH = 24
_MAX_TEXT = 4000
CODE = re.compile(r"[A-Z][0-9A-Z][0-9A-Z](\.[0-9A-Z]{1,4})?")

KINDS = {
    "includes": "includes",
    "inclusionTerm": "inclusion_term",
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code_first",
    "useAdditionalCode": "use_additional",
    "codeAlso": "code_also",
    "sevenChrNote": "seventh_character",
    "notes": "note",
}
"""Elements with notes, and the kinds of notes that they are here."""


@dataclass
class Node:
    """A chapter, section or code of the list.

    Args:
        level: The element: "chapter", "section" or "diag".
        line: Where it begins in the file, from 1.
        name: Number, range or code.
        title: As printed.
        notes: Its own, in the list's order.
        sevenths: 7th characters that are defined here: character and words; one that stands again has further words.
        placeholder: Whether the list marks the code as one that holds a place only.
        below: What stands in it, in order.
    """

    level: str
    line: int
    name: str = ""
    title: str = ""
    notes: list[Note] = field(default_factory=list)
    sevenths: list[tuple[str, str]] = field(default_factory=list)
    placeholder: bool = False
    below: list[Node] = field(default_factory=list)


@dataclass
class _Reading:
    name: str
    parser: expat.XMLParserType
    path: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    chapters: list[Node] = field(default_factory=list)
    version: str = ""
    text: list[str] | None = None
    length: int = 0
    seventh: str = ""

    def refuse(self, problem: str, seen: str | None = None) -> Exception:
        return wrong(
            self.name, self.parser.CurrentLineNumber, problem, column=self.parser.CurrentColumnNumber + 1, seen=seen
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= _MAX_DEPTH:
            raise self.refuse("elements lie deeper than the tabular list's do")
        if not self.path and tag != "ICD10CM.tabular":
            raise self.refuse("the tabular list of ICD-10-CM begins with <ICD10CM.tabular>", tag)
        if tag in ("chapter", "section", "diag"):
            self._open(tag, attributes)
        elif tag in ("name", "desc", "note", "extension", "version"):
            self.text, self.length = [], 0
            self.seventh = attributes.get("char", "")
        self.path.append(tag)

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        above = self.nodes[-1].level if self.nodes else ""
        if above not in {"chapter": ("",), "section": ("chapter",), "diag": ("section", "diag")}[tag]:
            raise self.refuse(f"<{tag}> does not stand in {above or 'the list'}")
        node = Node(tag, self.parser.CurrentLineNumber, placeholder=attributes.get("placeholder") == "true")
        if tag == "section":
            node.name = attributes.get("id", "")
        (self.nodes[-1].below if self.nodes else self.chapters).append(node)
        self.nodes.append(node)

    def characters(self, data: str) -> None:
        if self.text is not None:
            self.length += len(data)
            if self.length > _MAX_TEXT:
                raise self.refuse(f"a text of more than {_MAX_TEXT} characters")
            self.text.append(data)

    def end(self, tag: str) -> None:
        self.path.pop()
        text = " ".join("".join(self.text).split()) if self.text is not None else ""
        if CONTROLS.search(text):
            raise self.refuse("a control character, which no table has", text)
        self.text = None
        above = self.path[-1] if self.path else ""
        if tag in ("chapter", "section", "diag"):
            self._check(self.nodes.pop())
        elif tag == "version" and above == "ICD10CM.tabular":
            self.version = text
        elif self.nodes:
            self._put(self.nodes[-1], tag, above, text)

    def _put(self, node: Node, tag: str, above: str, text: str) -> None:
        if tag == "name" and above == node.level:
            node.name = text
        elif tag == "desc" and above == node.level:
            node.title = text
        elif tag == "note" and above in KINDS and text:
            node.notes.append(Note(KINDS[above], text))
        elif tag == "note" and above == "sevenChrDef" and text and node.sevenths:
            # Other words for the 7th character before it.
            node.sevenths.append((node.sevenths[-1][0], text))
        elif tag == "extension" and above == "sevenChrDef":
            if not re.fullmatch(r"[0-9A-Z]", self.seventh):
                raise self.refuse("a 7th character is one letter or digit", self.seventh)
            node.sevenths.append((self.seventh, text))

    def _check(self, node: Node) -> None:
        if node.level == "diag" and not CODE.fullmatch(node.name):
            raise self.refuse("a code like E11.9 was wanted in <name>", node.name)
        if not node.name or not node.title:
            raise self.refuse(f"<{node.level}> has no name or no description", node.name or node.title)

    def doctype(self, *_: object) -> None:
        raise self.refuse("a document type; the tabular list has none")


def read_tabular(content: bytes, name: str) -> tuple[str, list[Node]]:
    """The list's version as it says itself, and its chapters.

    Args:
        content: The XML.
        name: The file, for messages.

    Raises:
        TableFileError: it is no tabular list; with line and column.
    """
    # Given, so that a declaration cannot name an encoding that nobody knows; the list is ASCII.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    reading = _Reading(name, parser)
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    parser.StartDoctypeDeclHandler = reading.doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise wrong(name, error.lineno, f"no XML from here on: {words}", column=error.offset + 1) from None
    finally:
        # Handlers are bound to what holds the parser.
        parser.StartElementHandler = parser.EndElementHandler = None
        parser.CharacterDataHandler = parser.StartDoctypeDeclHandler = None
    if not reading.chapters:
        raise wrong(name, 0, "the list has no chapter")
    return reading.version, reading.chapters
