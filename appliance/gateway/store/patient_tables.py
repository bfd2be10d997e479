"""The tables of patients' secrets. They came after schema version 1 and are made beside what is there.

They hold no foreign keys, for the reason that `code_tables` gives: an older release must still destroy encounters. An
encounter without a row here was made by such a release; its dates move as they always did, by its own key.
"""

from sqlalchemy import Column, LargeBinary, String, Table

from appliance.gateway.store.tables import metadata

# Which encounters are of one patient, by a keyed tag: the secret goes with the last of them.
encounter_patient = Table(
    "encounter_patient",
    metadata,
    Column("encounter_id", String(36), primary_key=True),
    Column("tag", String(64), nullable=False, index=True),
    # Names that were given at the encounter's opening, under its key; NULL when there were none.
    Column("sealed", LargeBinary),
)
patient_secret = Table(
    "patient_secret",
    metadata,
    Column("tag", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
TABLES = (encounter_patient, patient_secret)
