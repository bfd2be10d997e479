"""The units that may never have a network of their own; a proof of isolation must have tried each of them."""

PHI_UNITS: tuple[str, ...] = ("appliance-transcription.service", "appliance-health.service")
