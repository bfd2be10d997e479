"""A fake code table: some ICD-10-CM titles and notes, enough for each structure rule, without the 100,000 others."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from appliance.coding.suggestion import CodeSystem, Entry, Note

# code | parent | billable | title; notes as kind: text below it.
_ROWS = """
E10 | | | Type 1 diabetes mellitus
E10.9 | E10 | y | Type 1 diabetes mellitus without complications
E11 | | | Type 2 diabetes mellitus
  use_additional: insulin (Z79.4)
E11.2 | E11 | | Type 2 diabetes mellitus with kidney complications
E11.22 | E11.2 | y | Type 2 diabetes mellitus with diabetic chronic kidney disease
  use_additional: code to identify stage of chronic kidney disease (N18.1-N18.6)
E11.4 | E11 | | Type 2 diabetes mellitus with neurological complications
E11.42 | E11.4 | y | Type 2 diabetes mellitus with diabetic polyneuropathy
E11.8 | E11 | y | Type 2 diabetes mellitus with unspecified complications
E11.9 | E11 | y | Type 2 diabetes mellitus without complications
E78 | | | Disorders of lipoprotein metabolism and other lipidemias
E78.4 | E78 | | Other hyperlipidemia
E78.49 | E78.4 | y | Other hyperlipidemia
E78.5 | E78 | y | Hyperlipidemia, unspecified
G62 | | | Other and unspecified polyneuropathies
G62.9 | G62 | y | Polyneuropathy, unspecified
G81 | | | Hemiplegia
G81.90 | G81 | y | Hemiplegia, unspecified affecting unspecified side
G81.91 | G81 | y | Hemiplegia, unspecified affecting right dominant side
G81.93 | G81 | y | Hemiplegia, unspecified affecting right nondominant side
G81.94 | G81 | y | Hemiplegia, unspecified affecting left nondominant side
I10 | | y | Essential (primary) hypertension
  use_additional: tobacco use (Z72.0)
I11 | | | Hypertensive heart disease
  includes: any condition in I50.- or I51.4-I51.7, I51.89, I51.9 due to hypertension
I11.0 | I11 | y | Hypertensive heart disease with heart failure
I11.9 | I11 | y | Hypertensive heart disease without heart failure
I12 | | | Hypertensive chronic kidney disease
  includes: any condition in N18 and N26 - due to hypertension
I12.0 | I12 | y | Hypertensive chronic kidney disease with stage 5 chronic kidney disease or end stage renal disease
I12.9 | I12 | y | Hypertensive chronic kidney disease with stage 1 through stage 4 chronic kidney disease, or\
 unspecified chronic kidney disease
I13 | | | Hypertensive heart and chronic kidney disease
  includes: any condition in I11.- with any condition in I12.-
I13.0 | I13 | y | Hypertensive heart and chronic kidney disease with heart failure and stage 1 through stage 4 chronic\
 kidney disease, or unspecified chronic kidney disease
I13.2 | I13 | y | Hypertensive heart and chronic kidney disease with heart failure and with stage 5 chronic kidney\
 disease, or end stage renal disease
I50 | | | Heart failure
  code_first: heart failure due to hypertension (I11.0)
  code_first: heart failure due to hypertension with chronic kidney disease (I13.-)
I50.2 | I50 | | Systolic (congestive) heart failure
I50.20 | I50.2 | y | Unspecified systolic (congestive) heart failure
I50.22 | I50.2 | y | Chronic systolic (congestive) heart failure
I50.9 | I50 | y | Heart failure, unspecified
M25 | | | Other joint disorder, not elsewhere classified
M25.56 | M25 | | Pain in knee
M25.561 | M25.56 | y | Pain in right knee
M25.562 | M25.56 | y | Pain in left knee
M25.569 | M25.56 | y | Pain in unspecified knee
N18 | | | Chronic kidney disease (CKD)
  code_first: diabetic chronic kidney disease (E10.22, E11.22)
  code_first: hypertensive chronic kidney disease (I12.-, I13.-)
N18.3 | N18 | | Chronic kidney disease, stage 3 (moderate)
N18.30 | N18.3 | y | Chronic kidney disease, stage 3 unspecified
N18.31 | N18.3 | y | Chronic kidney disease, stage 3a
N18.5 | N18 | y | Chronic kidney disease, stage 5
N18.9 | N18 | y | Chronic kidney disease, unspecified
O12 | | | Gestational edema without hypertension
O12.0 | O12 | | Gestational edema
O12.00 | O12.0 | y | Gestational edema, unspecified trimester
O12.01 | O12.0 | y | Gestational edema, first trimester
O12.02 | O12.0 | y | Gestational edema, second trimester
O12.03 | O12.0 | y | Gestational edema, third trimester
S52 | | | Fracture of forearm
S52.53 | S52 | | Colles' fracture
S52.531 | S52.53 | | Colles' fracture of right radius
S52.531A | S52.531 | y | Colles' fracture of right radius, initial encounter for closed fracture
S52.531B | S52.531 | y | Colles' fracture of right radius, initial encounter for open fracture type I or II
S52.531D | S52.531 | y | Colles' fracture of right radius, subsequent encounter for closed fracture with routine healing
S52.531S | S52.531 | y | Colles' fracture of right radius, sequela
S52.532 | S52.53 | | Colles' fracture of left radius
S52.532A | S52.532 | y | Colles' fracture of left radius, initial encounter for closed fracture
S52.532D | S52.532 | y | Colles' fracture of left radius, subsequent encounter for closed fracture with routine healing
S52.539 | S52.53 | | Colles' fracture of unspecified radius
S52.539A | S52.539 | y | Colles' fracture of unspecified radius, initial encounter for closed fracture
S52.539D | S52.539 | y | Colles' fracture of unspecified radius, subsequent encounter for closed fracture with\
 routine healing
Z72 | | | Problems related to lifestyle
Z72.0 | Z72 | y | Tobacco use
Z79 | | | Long term (current) drug therapy
Z79.4 | Z79 | y | Long term (current) use of insulin
"""


class FakeCodeTable:
    """A `CodeTable` of a few dozen codes."""

    system = CodeSystem.ICD_10_CM
    version = "2026-04-01"
    digest = "f" * 64

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        for line in _ROWS.strip().splitlines():
            if line.startswith("  "):
                kind, text = line.strip().split(": ", 1)
                last = list(self._entries)[-1]
                old = self._entries[last]
                self._entries[last] = Entry(
                    old.code, old.title, old.billable, old.parent, (*old.notes, Note(kind, text))
                )
                continue
            code, parent, billable, title = (part.strip() for part in line.split("|"))
            self._entries[code.replace(".", "")] = Entry(code, title, billable == "y", parent)

    def lookup(self, code: str) -> Entry | None:
        return self._entries.get(code.replace(".", "").upper())

    def entries(self) -> Iterable[Entry]:
        return iter(self._entries.values())

    def inherited(self, code: str, kind: str) -> tuple[Note, ...]:
        found: list[Note] = []
        entry = self.lookup(code)
        while entry is not None:
            found += [note for note in entry.notes if note.kind == kind]
            entry = self.lookup(entry.parent) if entry.parent else None
        return tuple(found)

    def billable_on(self, code: str, day: datetime.date) -> bool:
        entry = self.lookup(code)
        return entry is not None and entry.billable and day >= datetime.date(2025, 10, 1)
