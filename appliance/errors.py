"""Errors of the appliance's programs.

ApplianceError (1)
├── UsageError (2)           what was asked makes no sense
├── UnknownStateError (5)    something could not be read, so nothing can be claimed
├── RefusedError (6)         a rule of ours says no
├── SealBrokenError (9)      the box is not what was sealed
└── NotVerifiedError (9)     what was brought to the box is not what was signed
"""


class ApplianceError(Exception):
    """Something failed; `hint` is the next action."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ApplianceError):
    """What was asked makes no sense."""

    exit_code = 2


class UnknownStateError(ApplianceError):
    """A fact could not be read. Unknown is never healthy."""

    exit_code = 5


class RefusedError(ApplianceError):
    """A rule of ours says no, whatever could be done."""

    exit_code = 6


class SealBrokenError(ApplianceError):
    """The live box differs from its seal."""

    exit_code = 9


class NotVerifiedError(ApplianceError):
    """What was brought to the box is not what was signed, or its signature counts no longer."""

    exit_code = 9
