"""What a record from outside can be refused for."""

from appliance.errors import RefusedError


class RecordRefusedError(RefusedError):
    """The record is not read. `code` is from a closed list; the message never quotes the record."""

    def __init__(self, message: str, *, hint: str, code: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code
