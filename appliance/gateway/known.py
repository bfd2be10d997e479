"""What is known of who occurs in an encounter's texts: looked for by the detector wherever text is de-identified."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.deid.kept import Findings
from appliance.deid.known_values import Value
from appliance.gateway.vault import EncounterKey


@dataclass(frozen=True)
class Told:
    """A record that came as text. `findings`: what the detector alone finds in it, kept where the text is."""

    text: str
    findings: Findings

    def __repr__(self) -> str:
        return f"Told({len(self.text)} characters)"


@dataclass(frozen=True)
class Known:
    """`names` and `values` are looked for as they are; `hints` are short texts whose names count, `terms` a vocabulary
    in which some are clinicians, `records` whole texts of the encounter. `dates_key`: what the patient's dates move by;
    None: the encounter's own key."""

    names: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    hints: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    records: tuple[Told, ...] = ()
    dates_key: bytes | None = None

    def digest(self, detector: str, names: Sequence[str]) -> bytes:
        """Return what findings depend on beside the text: the detector, the names that it is given, the values."""
        whole = hashlib.sha256(f"{detector}\0{len(names)}\0".encode())
        for one in (*names, *(part for value in self.values for part in (value.kind.value, value.text))):
            data = one.encode("utf-8", "surrogatepass")
            whole.update(len(data).to_bytes(8, "big") + data)
        return whole.digest()

    def __repr__(self) -> str:
        return f"Known({len(self.names)} names, {len(self.values)} values)"


def names_place(encounter: str) -> str:
    """Return where the names of an encounter's opening are sealed to."""
    return f"encounter-names/{encounter}"


def seal_names(key: EncounterKey, encounter: str, names: Sequence[str]) -> bytes | None:
    """Return the names that were given at the opening as the store keeps them; None when there are none."""
    return key.seal("\n".join(names).encode(), names_place(encounter)) if names else None
