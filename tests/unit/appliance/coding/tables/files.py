"""Small files in the forms of their publishers, with codes and words of our own; and how a stamp is made in tests."""

from __future__ import annotations

import datetime

from appliance.coding.tables.kinds import ImportKind
from appliance.coding.tables.stamp import Stamp

STAMP = Stamp("2027", datetime.date(2026, 10, 1))

TABULAR = b"""<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2027</version>
  <chapter><name>1</name><desc>Made-up diseases (A00-A09)</desc>
    <excludes1><note>made-up injuries (S00-S09)</note></excludes1>
    <sectionIndex><sectionRef first="A00" last="A09" id="A00-A09">Made up</sectionRef></sectionIndex>
    <section id="A00-A09"><desc>Made-up fevers (A00-A09)</desc>
      <diag><name>A00</name><desc>Tuesday fever</desc>
        <inclusionTerm><note>weekday fever</note></inclusionTerm>
        <diag><name>A00.0</name><desc>Tuesday fever, mild</desc></diag>
        <diag><name>A00.1</name><desc>Tuesday fever, severe</desc>
          <codeFirst><note>underlying condition, such as:</note><note>Monday fever (A01)</note></codeFirst>
        </diag>
      </diag>
      <diag><name>A01</name><desc>Monday fever</desc></diag>
      <diag><name>A02</name><desc>Broken calendar</desc>
        <sevenChrNote><note>A 7th character is to be added to each code from category A02</note></sevenChrNote>
        <sevenChrDef>
          <extension char="A">initial encounter</extension>
          <note>first encounter</note>
          <extension char="D">subsequent encounter</extension>
        </sevenChrDef>
        <diag><name>A02.1</name><desc>Broken calendar of the wall</desc></diag>
      </diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""

EDITS = b"""code\tstart\tend\tflags
A000\t20151001\t\t
A001\t20151001\t20191001\tadult
A001\t20191002\t\tmanifestation,adult
A009\t20151001\t20200930\t
A01\t20151001\t\t
A021XXA\t20151001\t\t
A021XXD\t20151001\t\t
"""

ICD11 = (
    b"Foundation URI\tLinearization URI\tCode\tBlockId\tTitle\tClassKind\tDepthInKind\tIsResidual\tChapterNo\t"
    b"BrowserLink\tisLeaf\tPrimary tabulation\tCodingNote\tVersion:2026 Jan 21\n"
    b"\t\t\t\tMade-up diseases\tchapter\t1\tFalse\t01\t\tFalse\t\t\t\n"
    b"\t\t\tBlockL1-1A0\t- Made-up fevers\tblock\t1\tFalse\t01\t\tFalse\t\t\t\n"
    b'\t\t1A00\t\t"- - ""Tuesday"" fever"\tcategory\t1\tFalse\t01\t\tFalse\tTrue\tSay which Tuesday.\t\n'
    b"\t\t1A00.0\t\t- - - Tuesday fever, mild\tcategory\t2\tFalse\t01\t\tTrue\tTrue\t\t\n"
    b"\t\t1A00.Z\t\t- - - Tuesday fever, unspecified\tcategory\t2\tTrue\t01\t\tTrue\tTrue\t\t\n"
    b"\t\t\t\tExtension codes\tchapter\t1\tFalse\tX\t\tFalse\t\t\t\n"
    b"\t\tXA00\t\t- Left side\tcategory\t1\tFalse\tX\t\tTrue\tFalse\t\t\n"
)


def hcpcs_line(code: str, kind: str, text: str, added: str = "", until: str = "") -> str:
    """A record of CMS's fixed-width file."""
    head = f"{code:>5}00100{kind}{text:<80}{'short':<28}"
    return f"{head:<268}{added:<8}{added:<8}{until:<8}N"


HCPCS = (
    "\n".join(
        [
            hcpcs_line("A9001", "3", "Made-up wheel, each, with everything that belongs to it and to the", "20200101"),
            hcpcs_line("A9001", "4", "calendar on the wall"),
            hcpcs_line("A9002", "3", "Made-up ladder", "20150101", "20231231"),
            hcpcs_line("ZZ", "7", "Made-up modifier", "20150101"),
        ]
    ).encode()
    + b"\n"
)

HCPCS_CSV = (
    b'"The Centers say this, and that"\n\n'
    b"HCPC,SEQNUM,RECID,LONG DESCRIPTION,SHORT DESCRIPTION,ADD DT,ACT EFF DT,TERM DT,ACTION CD\n"
    b'A9001,100,3,"Made-up wheel, each",wheel,20200101,20200101,,N\n'
    b"A9002,100,3,Made-up ladder,ladder,20150101,20240101,20231231,D\n"
    b"ZZ,100,7,Made-up modifier,mod,20150101,20150101,,N\n"
)

CPT_TAB = (
    b"CPT is somebody's copyright.\r\nAll rights reserved.\r\n\r\n00001\tMade-up visit\r\n0001T\tMade-up trial\r\n"
)
CPT_LONG = (
    b"CPT is somebody's copyright.\n"
    + b"0000101 Made-up visit of a length that goes on over the end of its own record and       \n"
    + b"0000102 into the next\n0000201 Made-up call\n"
)
CPT_SHORT = b"Somebody's copyright\n00001 MADE-UP VISIT               \n00002 MADE-UP CALL\n"
CPT_LINK = (
    b"Somebody's copyright\nConcept Id\tCPT Code\tLong\tMedium\tShort\tConsumer\n1\t00001\tMade-up visit\tm\ts\tc\n"
    b"2\t00002\tMade-up call\tm\ts\tc\n"
)

PAIRS = (
    b"CPT only copyright somebody.\t\t\t\t\t\t\nColumn1/Column2 Edits\n"
    b"Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    b"\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n\t\t\t\t*=no data\t1=allowed\t\n"
    b"00001\t00002\t\t20200101\t*\t1\tMade-up practice\n00001\t00003\t*\t19960101\t20211231\t0\tMore of the same\n"
    b"00004\t00001\t\t20200101\t20200101\t0\tMade-up practice\n00005\t00006\t\t20200101\t*\t0\tMade-up practice\n"
    b"00007\t00008\t\t20200101\t*\t9\tMade-up practice\n"
)

UNITS = (
    b'"CPT is somebody\'s copyright, and more",,,\n'
    b'"HCPCS/\nCPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
    b"00001,1,2 Date of Service Edit: Policy,Made-up practice\n"
    b"A9001,3,3 Date of Service Edit: Clinical,Clinical: Data\n"
    b"00002,2,1 Line Edit,Made-up practice\n"
)

FAVOURITES = b"code,label\nA00.0,Tuesday\nA00.9,Tuesday fever of any kind\nA02.1,calendar\n"

GOOD = {
    "icd-10-cm": (ImportKind.ICD_10_CM, TABULAR),
    "icd-11-mms": (ImportKind.ICD_11_MMS, ICD11),
    "hcpcs": (ImportKind.HCPCS, HCPCS),
    "hcpcs-csv": (ImportKind.HCPCS, HCPCS_CSV),
    "cpt-tab": (ImportKind.CPT, CPT_TAB),
    "cpt-long": (ImportKind.CPT, CPT_LONG),
    "cpt-short": (ImportKind.CPT, CPT_SHORT),
    "cpt-link": (ImportKind.CPT, CPT_LINK),
    "ncci-ptp": (ImportKind.NCCI_PTP, PAIRS),
    "ncci-mue": (ImportKind.NCCI_MUE, UNITS),
    "favourites": (ImportKind.FAVOURITES, FAVOURITES),
}
