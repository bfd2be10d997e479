"""Suggesting codes for a document: text, suggester, the model's order, edits; and the table that all of it rests on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from appliance.coding.choice import Ranked, rank
from appliance.coding.edits import Editor, Finding
from appliance.coding.edits import sentences as finding_sentences
from appliance.coding.suggestion import CodeSystem, CodeTable, Suggester, Suggestion
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.library import Library
from appliance.coding.tables.lookup import listed
from appliance.coding.tables.search import MOST_WORDS, looked_up, words_of
from appliance.contract.audit import Tool
from appliance.drafting.engine import Engine
from appliance.errors import ApplianceError
from appliance.gateway.code_cover import Cover
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
MAX_SUGGESTIONS = 60
"""More than a coder reads for one note; the most confident ones are kept."""
_ORDER_S = 60.0
_MOST_SEARCHING = 8
"""At work or waiting, each with some 0.4 s of one core: who waits longer than a person does asks again."""


def table_tool(table: CodeTable) -> Tool:
    """Return what the log says of a table that codes come from."""
    return Tool(kind="table", name=f"{table.system.value}@{table.version}", digest=table.digest)


@dataclass(frozen=True)
class Suggested:
    """What was suggested, and what suggested it."""

    table: CodeTable
    ranked: Ranked
    asked: bool = False
    """Whether a model read the text, whatever it answered."""
    counts: dict[str, int] | None = None
    """Identifiers by kind that it did not read; None: it read the text as it is."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the log says worked on it."""
        found = [table_tool(self.table)]
        if self.ranked.model is not None:
            found.append(Tool(kind="model", name=self.ranked.model.name, digest=self.ranked.model.sha256))
            found.append(Tool(kind="prompt", name="coding", digest=self.ranked.prompt_sha256))
        return tuple(found)

    @property
    def numbers(self) -> dict[str, float]:
        """What the log says of the text that a model read, in numbers."""
        if not self.asked:
            return {}
        counts = self.counts or {}
        hidden = {f"deid.{kind}": float(number) for kind, number in counts.items()}
        return {
            "deidentified": float(self.counts is not None),
            **({} if self.counts is None else {"deid.found": float(sum(counts.values())), **hidden}),
        }


def shipped_suggester(table: CodeTable) -> Suggester:
    """Return the box's own suggester of a table; some seconds and 100 MB or so, so it is made when it is first asked.

    Raises NotVerifiedError when the shipped ranker is not the one that was released.
    """
    from appliance.coding.suggester import CodeSuggester

    return CodeSuggester(table)


class Codes:
    """Suggests and checks. Safe to use from several threads.

    Args:
        library: The tables of the box.
        suggester_of: Makes the suggester of a table; None: this site suggests no codes.
    """

    def __init__(self, library: Library, suggester_of: Callable[[CodeTable], Suggester] | None) -> None:
        self.library = library
        self._editor = Editor(library)
        self._suggester_of = suggester_of
        # Of one table: a day of service that another one holds for makes that one's in its place.
        self._made: tuple[str, Suggester | None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._searching = 0

    def table(self, on: date, system: CodeSystem = CodeSystem.ICD_10_CM) -> PackedTable:
        """Return the table for a date of service.

        A table that cannot be verified suggests and accepts nothing. Raises ProblemError 503 when it cannot be read or
        is not what it was, 404 for a system that the site has no table of.
        """
        try:
            found = self.library.table(system, on)
        except ApplianceError:
            raise _no_table() from None
        if found is None and system is not CodeSystem.ICD_10_CM:
            raise ProblemError(
                404, "no-such-table", "The site has no table of this system",
                f"`appliancectl codes import {system.value}` on the box brings the publisher's file in",
                parameter="system",
            )  # fmt: skip
        if found is None:
            raise _no_table()
        return found

    async def found(
        self, query: str, system: CodeSystem, on: date, limit: int
    ) -> tuple[PackedTable, list[dict[str, Any]]]:
        """Return the table for a date of service and its codes for a query, as `codes lookup` finds them.

        Raises ProblemError 422 for more words than are looked for, 503 behind too many that wait, 404 and 503 as
        `table` does.
        """
        if len(words_of(query)) > MOST_WORDS:
            raise ProblemError(
                422, "too-many-words", "Too many words", f"at most {MOST_WORDS} are looked for", parameter="words"
            )
        if self._searching >= _MOST_SEARCHING:
            raise ProblemError(
                503, "codes-busy", "Too many look for codes at once", "ask again in a moment", retry_after_s=1
            )
        self._searching += 1
        try:
            async with self._one_at_a_time:
                return await asyncio.to_thread(self._look_up, query, system, on, limit)
        finally:
            self._searching -= 1

    def _look_up(
        self, query: str, system: CodeSystem, on: date, limit: int
    ) -> tuple[PackedTable, list[dict[str, Any]]]:
        table = self.table(on, system)
        try:
            return table, listed(table, looked_up(table, query, limit), on)
        except ApplianceError:
            raise _no_table() from None

    async def suggest(self, text: str, on: date, engine: Engine | None, cover: Cover) -> Suggested:
        """Suggest for a text and a date of service. Raises ProblemError 501, 503.

        `cover` says what the engine reads instead of the text, where the practice's policy wants that.
        """
        if self._suggester_of is None:
            raise ProblemError(
                501, "no-coding", "This site suggests no codes",
                "open the set with `suggestions` false, and add the codes that you find",
            )  # fmt: skip
        table = await asyncio.to_thread(self.table, on)
        # One computes at a time: drafts and their previews share the interpreter with it.
        async with self._one_at_a_time:
            found = await asyncio.to_thread(self._found, table, text, on)
        if engine is None or not found:
            return Suggested(table, await rank(engine, text, found, timeout_s=_ORDER_S))
        try:
            shown = await cover(engine.identity, text, found)
        except ProblemError as problem:
            # A text that cannot be hidden is read by nobody; the order is the statistical one, and says so.
            return Suggested(table, Ranked(tuple(found), "statistics", problem.code))
        ranked = await rank(engine, shown.text, shown.suggestions, timeout_s=_ORDER_S)
        return Suggested(table, shown.told(ranked), asked=True, counts=shown.counts)

    def _found(self, table: CodeTable, text: str, on: date) -> list[Suggestion]:
        assert self._suggester_of is not None  # noqa: S101 (suggest() looked)
        suggester = self._suggester(self._suggester_of, table)
        found = []
        for one in suggester.suggest(text, on=on)[:MAX_SUGGESTIONS]:
            # Whatever suggested it: a code of another table, or words that the text does not have, are not released.
            if table.lookup(one.code) is None or one.table_digest != table.digest:
                continue
            if any(text[quoted.start : quoted.end] != quoted.quote for quoted in one.evidence):
                continue
            told = finding_sentences(self._editor.of_code(one.code, on))
            found.append(one.model_copy(update={"findings": tuple(dict.fromkeys((*one.findings, *told)))}))
        return found

    def _suggester(self, make: Callable[[CodeTable], Suggester], table: CodeTable) -> Suggester:
        """Return the table's suggester. One that could not be made is not tried again: it costs seconds each time.

        Raises ProblemError 503.
        """
        if self._made is None or self._made[0] != table.digest:
            self._made = table.digest, None
            try:
                self._made = table.digest, make(table)
            except ApplianceError as error:
                log.error("codes: %s; none are suggested until the gateway starts anew", type(error).__name__)
        if self._made[1] is None:
            raise ProblemError(
                503, "no-coding-model", "The ranker of codes cannot be used",
                "see the gateway's journal on the box; `suggestions` false opens the set without it",
            )  # fmt: skip
        return self._made[1]

    def findings(self, codes: list[str], on: date, age_years: int | None, sex: str | None) -> tuple[Finding, ...]:
        """Return what the edits find of a document's codes. Raises ProblemError 503."""
        if not codes:
            return ()
        try:
            return self._editor.check(codes, on, age_years, "female" if sex == "female" else "male" if sex else None)
        except ApplianceError:
            raise _no_table() from None


def _no_table() -> ProblemError:
    return ProblemError(
        503, "no-code-table", "The code table cannot be used", "see `appliancectl codes list` on the box"
    )
