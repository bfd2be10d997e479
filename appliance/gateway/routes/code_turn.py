"""One act of a coder on the codes of a document: what it needs before, and what it leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from appliance.coding.suggestion import CodeTable, Entry
from appliance.contract.audit import Digest, Tool
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.code_form import read_codes
from appliance.gateway.code_set import CodeSet
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found, open_document
from appliance.gateway.routes.documents import content_of
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeRevisionRow, CodeSetRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError


class CodeTurn:
    """One act on the codes of one document: opened, allowed, of the version that the caller saw, and not final."""

    def __init__(self, core: Core, connection: Connection, caller: Principal, document: str, seen: int) -> None:
        self.core, self.connection, self.caller = core, connection, caller
        self.opened, self.row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
        found = codes.find(connection, document)
        if found is None:
            raise not_found("set of codes for this document")
        self.set, self.now = found, datetime.now(UTC)
        if found.state == "final":
            raise final_codes()
        if seen != found.version:
            raise ProblemError(
                412, "changed-meanwhile", "Somebody was faster",
                f"you saw version {seen}, now it is {found.version}: read it again", version=found.version,
            )  # fmt: skip
        self.content = code_set_of(self.opened, found)
        if not is_current(self.opened, self.row, self.content):
            raise ProblemError(
                409, "document-changed", "The document has another text now", "have codes suggested anew for it"
            )

    def billable(self, code: str) -> tuple[Entry, CodeTable]:
        """Return a code of the table that holds on the date of service, and that table.

        Raises ProblemError 422 for a code that is not in it or that no claim of that day can carry, 503 without it.
        """
        day = self.content.date_of_service
        table = self.core.codes.table(day)
        entry = table.lookup(code)
        if entry is None:
            raise ProblemError(
                422, "unknown-code", "The table has no such code", f"{table.system.value} {table.version}",
                parameter="code",
            )  # fmt: skip
        # By the day alone: a code that was divided since is a header now, and was complete until then.
        if not table.billable_on(entry.code, day):
            raise ProblemError(
                422, "code-not-billable", "The code is not billable on the date of service",
                "choose a complete code that was valid on that day", parameter="code",
            )  # fmt: skip
        return entry, table

    def checked(self, content: CodeSet) -> CodeSet:
        """Return the set with what the edits find of its codes on the date of service. Raises ProblemError 503."""
        found = self.core.codes.findings(content.accepted, content.date_of_service, content.age_years, content.sex)
        return content.with_findings(found)

    def done(
        self, act: str, content: CodeSet, *, considered: str = "", quoted: str = "", reason: str | None = None,
        table: CodeTable | None = None,
    ) -> CodeSetRow:  # fmt: skip
        """Write the entry, then the new state and its revision.

        Args:
            act: What was done, a word.
            content: The set after it.
            considered: The codes that it was about.
            quoted: The words of the document that it rests on.
            reason: A word of a closed list.
            table: What a code was looked up in; by default the set's own.
        """
        final = act == "finalise"
        plain = content.plain()
        key, version = self.opened.key, self.set.version + 1
        looked_at: tuple[Digest, ...] = ()
        for name, words in (("code", considered), ("evidence", quoted)):
            if words:
                looked_at = (*looked_at, commitment(name, key.commit(words.encode())))
        entry = Act(
            "codes.finalised" if final else "codes.decided", self.row.encounter_id, self.row.id,
            tools=(_tool_of(content, table),), considered=looked_at,
            produced=(commitment("codes", key.commit(plain)),), reason=reason, action=None if final else f"codes.{act}",
            numbers={
                "codes": len(content.accepted), "decided": content.decided, "suggested": len(content.items),
                "added": sum(one.counts for one in content.added), "findings": len(content.findings),
                "errors": sum(one.severity == "error" for one in content.findings),
            },
        )  # fmt: skip
        index = self.core.trail.append(self.opened.actor, entry)
        closed = {"finalised_at": self.now, "finalised_by": self.caller.member_id} if final else {}
        changed = codes.change(
            self.connection, self.row.id, self.set.version, state="final" if final else "open",
            sealed=key.seal(plain, place_of(self.row.id, version)), audit_index=index, **closed,
        )  # fmt: skip
        found = codes.find(self.connection, self.row.id)
        if not changed or found is None:
            raise ProblemError(412, "changed-meanwhile", "Somebody was faster", "read the codes again")
        revise(self.connection, self.opened, found, plain, self.now, self.caller.member_id, act)
        return found


def final_codes() -> ProblemError:
    """Return the refusal of any act on codes that were finalised."""
    return ProblemError(
        409, "codes-final", "The codes are final", "they were finalised, and nothing of them can change"
    )


def place_of(document: str, version: int) -> str:
    """Return what the sealed set is bound to."""
    return f"codes/{document}/{version}"


def code_set_of(opened: Opened, row: CodeSetRow) -> CodeSet:
    """Return the set. Raises IntegrityError when it is not what was stored, ProblemError 501 for a later release's."""
    return read_codes(opened.key.open(row.sealed, place_of(row.document_id, row.version)))


def text_commitment(opened: Opened, row: DocumentRow) -> str:
    """Return the commitment to a document's present text."""
    return opened.key.commit(content_of(opened, row).text().encode())


def is_current(opened: Opened, row: DocumentRow, content: CodeSet) -> bool:
    """Return whether the document still has the text that a set is about."""
    return row.sealed is not None and text_commitment(opened, row) == content.text_commitment


def revise(
    connection: Connection, opened: Opened, row: CodeSetRow, plain: bytes, at: datetime, subject: str, act: str
) -> None:
    """Append the set's present content to its revisions."""
    sealed = opened.key.seal(plain, revision_place(row.document_id, row.version))
    codes.add_revision(
        connection,
        CodeRevisionRow(row.document_id, row.version, row.encounter_id, at, subject, act, sealed, row.audit_index),
    )


def revision_place(document: str, version: int) -> str:
    """Return what a sealed revision is bound to."""
    return f"code-revision/{document}/{version}"


def _tool_of(content: CodeSet, table: CodeTable | None) -> Tool:
    system, version, digest = content.system, content.table_version, content.table_digest
    if table is not None:
        system, version, digest = table.system, table.version, table.digest
    return Tool(kind="table", name=f"{system.value}@{version}", digest=digest)
