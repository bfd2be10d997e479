"""What keeps a release from being measured. None of it is a verdict: a gate that cannot run has not passed."""

from appliance.errors import UnknownStateError


class NotMeasuredError(UnknownStateError):
    """An engine did not start or did not answer as it must, or there was nothing to measure."""
