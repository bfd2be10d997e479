"""What can be done, and the table of which role may do it. Read it top to bottom; an empty cell is never."""

from enum import StrEnum

from appliance.gateway.auth.principal import Role


class Action(StrEnum):
    """Everything that the gateway asks permission for."""

    CREATE_ENCOUNTER = "encounter.create"
    LIST_ENCOUNTERS = "encounter.list"
    READ_METADATA = "encounter.read_metadata"
    CHANGE_TEAM = "encounter.change_team"
    RECORD_CONSENT = "consent.record"
    READ_CONSENT = "consent.read"
    UPLOAD_AUDIO = "audio.upload"
    LISTEN = "audio.listen"
    READ_TRANSCRIPT = "transcript.read"
    UPLOAD_RECORD = "record.upload"
    READ_RECORD = "record.read"
    DRAFT = "document.draft"
    READ_DOCUMENT = "document.read"
    EDIT = "document.edit"
    SIGN = "document.sign"
    REJECT = "document.reject"
    ADD = "document.addendum"
    READ_SIGNED = "document.read_signed"
    EXPORT = "document.export"
    READ_CODES = "codes.read"
    REVIEW_CODES = "codes.review"
    EXPORT_CODES = "codes.export"
    SEARCH_CODES = "codes.search"
    BREAK_GLASS = "access.break_glass"
    READ_AUDIT = "audit.read"
    DELETE = "retention.delete"
    CONFIGURE = "practice.configure"


class Rule(StrEnum):
    """What a cell of the table asks for, beside the role."""

    ANY = "any"  # nothing more
    OWNER = "owner"  # be the encounter's owner
    TEAM = "team"  # be the owner or a member
    READ = "read"  # be of the team, or hold a break-glass grant for this encounter
    SIGN = "sign"  # be of the team, and have proven what the policy asks of a signature
    REVIEW = "review"  # the document is in review, corrected or signed
    SIGNED = "signed"  # the document is signed
    FRONT = "front"  # the document is a front-desk template


UNBOUND = frozenset(
    {
        Action.CREATE_ENCOUNTER, Action.LIST_ENCOUNTERS, Action.SEARCH_CODES, Action.READ_AUDIT, Action.CONFIGURE,
    }
)  # fmt: skip
"""Actions that concern no single encounter. All others are decided for one, and refused without."""

_COLUMNS = (Role.CLINICIAN, Role.CODER, Role.FRONT_DESK, Role.AUDITOR, Role.ADMIN, Role.EHR, Role.CONSOLE)

_ROWS = """
                         clinician  coder   front_desk  auditor  admin  ehr     console
encounter.create         any        .       any         .        .      any     .
encounter.list           any        any     any         any      any    .       any
encounter.read_metadata  read       review  any         any      any    .       any
encounter.change_team    owner      .       .           .        any    .       .
consent.record           team       .       any         .        .      any     .
consent.read             read       .       any         any      .      .       .
audio.upload             team       .       .           .        .      any     .
audio.listen             team       .       .           .        .      .       .
transcript.read          read       .       .           .        .      .       .
record.upload            team       .       .           .        .      any     .
record.read              read       .       .           .        .      .       .
document.draft           team       .       front       .        .      .       .
document.read            read       review  front       .        .      .       .
document.edit            team       .       front       .        .      .       .
document.sign            sign       .       .           .        .      .       .
document.reject          team       .       .           .        .      .       .
document.addendum        sign       .       .           .        .      .       .
document.read_signed     read       signed  front       .        .      signed  .
document.export          team       .       front       .        .      signed  .
codes.read               read       review  .           .        .      .       .
codes.review             team       review  .           .        .      .       .
codes.export             team       signed  .           .        .      signed  .
codes.search             any        any     .           .        .      .       .
access.break_glass       any        .       .           .        .      .       .
audit.read               .          .       .           any      .      .       any
retention.delete         .          .       .           .        any    .       any
practice.configure       .          .       .           .        any    .       any
"""


def _read(rows: str) -> dict[tuple[Action, Role], Rule]:
    """Return the table's cells. Raises ValueError when an action or a role is missing, unknown or given twice."""
    header, *lines = [line.split() for line in rows.strip().splitlines()]
    if header != [role.value for role in _COLUMNS] or [line[0] for line in lines] != [
        action.value for action in Action
    ]:
        raise ValueError("the table must hold each action once, in the order of Action, and each role")
    cells: dict[tuple[Action, Role], Rule] = {}
    for name, *rules in lines:
        for role, rule in zip(_COLUMNS, rules, strict=True):
            if rule != ".":
                cells[Action(name), role] = Rule(rule)
    return cells


TABLE = _read(_ROWS)
"""(action, role) to what it asks for; what is absent is never allowed."""
