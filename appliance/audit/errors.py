"""Why the audit log cannot be written or read.

AuditUnavailableError (1)    nothing may be released: the log takes no entry
├── LogInUseError (6)        another process writes it
├── LogDamagedError (9)      what is on the disk is not what was signed
└── LogUnreadableError (5)   the disk or its rights keep it from being read
EntryRefusedError (2)        this entry does not fit the log; the log itself is well
"""

from appliance.errors import ApplianceError, UsageError


class AuditUnavailableError(ApplianceError):
    """The log takes no entry. Whatever waits for one must not be released."""


class LogInUseError(AuditUnavailableError):
    """Another process holds the log: it has one writer."""

    exit_code = 6


class LogDamagedError(AuditUnavailableError):
    """The log on the disk is not what was signed, or does not fit what was seen of it before."""

    exit_code = 9


class LogUnreadableError(AuditUnavailableError):
    """A part of the log could not be read, so nothing is claimed about it."""

    exit_code = 5


class EntryRefusedError(UsageError):
    """An entry is too large, or says no time that can be compared. The log stays open."""
