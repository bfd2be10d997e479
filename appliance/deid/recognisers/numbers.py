"""Numbers that stand for somebody: what they are is said by the label before them, else by their shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.code_shapes import is_code, is_dated, is_ratio, is_round, is_series, word_end

_BEFORE = 90  # characters in which a label is looked for
_DIGITS_FROM_WORD_ALONE = 5  # "order 48213" is a number of an order, "group 2" is not

# A value: letters and digits in up to eight parts. Blanks join parts of digits alone, as people group long numbers.
_VALUE = re.compile(
    r"(?<![^\W_])(?<!(?<!\.)\.)(?<!(?<!_)_)(?<![\d][,/])[#*]{0,2}(?:(?:[A-Za-z]{1,6}[-_./]?)?\d[\dA-Za-z]{0,30}"
    r"|[X*x]{2,6}(?=[- ]))"
    r"(?:[-–_./^][\dA-Za-z*]{1,20}){0,7}(?:\s(?=\d{2,6}(?![\w%]|[-.,/]\d))\d{2,6}(?![\w])){0,5}"
)
_LETTERS = re.compile(r"(?<![\w.])[A-Z]{1,4}-?(?=[A-Z0-9-]{0,20}\d)[A-Z0-9]{2,16}(?:-[A-Z0-9]{1,16}){0,4}(?!\w)")

# Between a label and its value: few words, so that a label never reaches across a sentence.
_JOIN = (
    r"(?:\s*(?:\b(?:numbers?|numb|num|nos?|nr|id|identifier|identification|card|code|is|was"
    r"|are|of|reads|listed|as|ending in"
    r"|ends in|on file|on the card|starting with|begins with|it's|its|that's|for|to|the|my"
    r"|her|his|equals|shows|says|still"
    r"|should be|will be|ID#|digits|last four|last 4|tx|ca|ny|fl|il|ga|nc|nj|va|wa|az|tn|mo"
    r"|wi|mn|sc|ky|ct|ut|nv|combination|report|badge|band|current|new|old|primary|secondary"
    r"|under)\b\.?|[:#=,(\"'–—|>\[-]|[._…]{2,60}|(?:\.\s){2,30}|\.(?=\s)|\*\*)){0,7}\s*$"
)
_WHOSE = (
    r"(?:\s+(?:no|number|num|id)\b\.?)?(?:\s+(?:for|of|on"
    r"|under)\s+(?:[\w.'-]+\s+){0,3}[\w.'-]+\s*(?:\bis\b|\bwas\b|:))?"
)


def _label(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|(?<![A-Za-z]))(?:{words})(?![A-Za-z]){_WHOSE}{_JOIN}", re.I)


_LABELS: tuple[tuple[Kind, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (kind, re.compile(by_letter(words), re.I), _label(words))
    for kind, words in (
        (Kind.SSN, r"ssn|s\.s\.n\.?|s s n|ss|soc(?:ial)?\.? ?sec(?:urity)?|social(?: security)?|itin|tax(?:payer)? id"),
        (
            Kind.LICENCE,
            r"npi|n\.p\.i\.|n p i|d e a|dea|d\.e\.a\.|(?:driver'?s?|drivers'|driving|medical|nursing"
            r"|state|professional|physician|provider|pharmacy|pharmacist|rn|md)"
            r"[ ']{0,2}(?:licen[sc]e|lic|registration)|licen[sc]e|lic|dl|passport"
            r"|certificat(?:e|ion)|cert|permit|tin|ein|upin|brn"
            r"|clia|caqi?h|green card|visa|registration|state id|credential",
        ),
        (
            Kind.VEHICLE,
            r"vin|v\.i\.n\.|v i n|licen[sc]e plate|plate|tags?(?= number)|vehicle(?: identification)?"
            r"|registration plate",
        ),
        (
            Kind.PLAN,
            r"member(?:ship)?|mbr|subscriber|beneficiary|policy(?:holder)?|group|grp|plan|health"
            r" ?plan|insur(?:ance|ed)|coverage|enrollee"
            r"|medicaid|medicare|medi-cal|mbi|hicn?|hic|payer|payor|claim|auth(?:orization)?"
            r"|prior auth(?:orization)?|pre-?auth"
            r"|bin|pcn|rx ?bin|rx ?grp|rx ?group|hpid|aetna|cigna|bcbs|blue (?:cross"
            r"|shield)(?: blue shield)?|anthem|humana|kaiser|uhc"
            r"|united ?health ?care|tricare|molina|centene|wellcare|ambetter|oscar|hmo|ppo"
            r"|carrier|benefits?|contract|certificate of coverage",
        ),
        (
            Kind.ACCOUNT,
            r"account|acct|a/c|acc|bank|routing|aba|(?:credit|debit) card|card|visa card"
            r"|mastercard|amex|invoice|bill(?:ing)?|guarantor"
            r"|statement|guar|iban|swift|payment|receipt|transaction|hsa|fsa|venmo|check",
        ),
        (
            Kind.DEVICE,
            r"serial|ser|s/n|sn|udi|device|implant|pacemaker|defibrillator|generator|lead|stent"
            r"|pump|lot|batch|imei|meid|mac"
            r"|mac address|prosthesis|hearing aid|monitor|sensor|transmitter|receiver|unit"
            r" serial|catalog|ref|model|glucometer|cpap|port"
            r"|machine|asset|printer|tablet|laptop|kiosk|workstation|terminal|scanner|modem|router|watch|concentrator"
            r"|ventilator|wound ?vac|lift|wheelchair|cgm|holter|telemetry|isolette|aicd|loop recorder|lvad|template",
        ),
        (
            Kind.RECORD,
            r"mrn|m\.r\.n\.?|m r n|mr ?#|mr|med(?:ical)?\.? ?rec(?:ord)?s?|chart|records?|emr|ehr"
            r"|(?:patient|pt)\.?(?: id)?|pid|empi|mpi|encounter|visit|csn"
            r"|har|fin|accession|acc ?#|order|specimen|spec|sample|case|study|requisition|req"
            r"|referral|prescription|rx|script|confirmation|ticket|file"
            r"|hospital|admission|episode|report|rpt|incident|document|note|lab|surgical|path(?:ology)?"
            r"|cytology|histology|(?:microbio|bacterio|viro|toxico|haemato|hemato|sero)logy|barcode|subject"
            r"|participant|screening"
            r"|request|appointment|unit|kit|slide|cassette|tube|film|tracing|transport|run",
        ),
        (Kind.FAX, r"fax|facsimile"),
        (
            Kind.PHONE,
            r"phone|telephone|tel|cell(?: ?phone)?|mobile|home|work|pager|beeper|call(?: back"
            r"| me)?(?: at| on)?|callback|reach(?:ed)? (?:me |her |him |them )?at|text(?:"
            r" me)? at"
            r"|bleep|beep (?:me|him|her|them)(?: at| on)?|contact(?: number)?|emergency contact|landline|voicemail"
            r"|whatsapp|dial",
        ),
        (
            Kind.OTHER,
            r"interpreter|operator|dispatch(?:er)?|officer|docket|id|i\.d\.|identifier|identification|badge"
            r"|employee|student|school|staff"
            r"|military|service|veteran|dod|inmate|booking|tribal|ref(?:erence)?"
            r"|locker|combination|combo|voucher|police|agent|randomi[sz]ation|enrol?lment|work order|beeper"
            r"|probation|parole|cdcr|warrant|citation|summons|petition|cause|complaint|intake|offender|alien|uscis"
            r"|pin|passcode|password|user ?name|user ?id|login|tracking|key|token|code|number"
            r"|no|num|uuid|guid|biometric|fingerprint|voice ?print|deed|docket",
        ),
    )
)
# Labels that mean a number of a person wherever they stand; behind others a short number needs a "#", "number" or "ID".
_SURE = re.compile(
    r"(?:mrn|m\.r\.n|m r n|ssn|s s n|n p i|d e a|social|npi|dea|vin|member|subscriber|beneficiary|policy|medicaid"
    r"|medicare|mbi|hicn?|acct|account|serial|s/n|udi"
    r"|licen[sc]e|lic|grp|passport|accession|csn|fin|pager|bleep|beep(?:er| \w+)|docket|incident|confirmation|ticket"
    r"|locker|combination"
    r"|(?:door|gate|access|security) code|police|requisition|voucher|permit|tracking|operator|interpreter|agent|inmate"
    r"|participant|enrol?lment|randomi[sz]ation|employee|barcode|specimen|work order|(?:patient|pt) id|med\w* rec\w*"
    r"|imei|passcode"
    r"|badge|plates?|tags?|rx ?bin|rx ?grp|pcn|fax|phone|tel|mobile|cell|iban|routing)\b",
    re.I,
)
_NUMBERED = re.compile(
    r"(?:#|\bnumbers?\b|\bno\b\.?|\bnum\b|\bid\b|\bidentifier\b|\bcode\b|\bcard\b|:)\W*(?:\w+\W+){0,2}$", re.I
)
_CODE_SYSTEM = re.compile(
    r"\b"
    + by_letter(
        r"icd(?:-?\d+)?(?:-?cm|-?pcs)?|cpt|hcpcs|loinc|snomed(?:[- ]ct)?|ndc|rxnorm|rxcui"
        r"|unii|atc|drg|ms-drg|cvx|nct|pmid|pmcid|doi|rs|mesh|omim|umls"
        r"|cui|orpha|ccs|hcc|revenue|modifier|diagnosis codes?|dx codes?|procedure codes?|billing"
        r" codes?|z-?codes?|dsm|chapter|section|table|figure|page|version|grant|isbn|rfc|item"
    )
    + r"(?:\s*(?:codes?|numbers?|no\.?|id|is|of|was|:|#|=|for|\(|with|and|or|,|[A-Z]?\d[\w.-]{1,12})){0,6}\s*$",
    re.I,
)
_UNIT = re.compile(
    r"\s*[-–]?\s*(?:%|°|mg|mcg|µg|ug|g|gm|grams?|kg|ml|m?l|dl|cc|units?|iu|miu|mmhg|mm|cm|m"
    r"|km|in|inch(?:es)?|ft|feet|lbs?|pounds|oz|cells?|copies|cfu|/(?!\s)|per\b|x\s?10|k\b|x\b"
    r"|bpm|hz|khz|meq|mmol|umol|nmol|pmol|ng|pg|u/l|iu/l|years?|yrs?|y/?o|months?|weeks?|wks?"
    r"|days?|hours?|hrs?|minutes?|mins?|seconds?|times|tabs?|tablets?|caps?(?:ules)?|puffs?"
    r"|drops?"
    r"|doses?|refills?|calories|kcal|cal|steps|percent|degrees?|people|patients|participants"
    r"|subjects|women|men|adults|children|cases|births|dollars|usd|miles|pack|beats|breaths"
    r"|french|fr|gauge|joules?|rads?|cgy|gy|ms|msec|am\b|pm\b|a\.m|p\.m|o'clock)(?![A-Za-z])",
    re.I,
)
_LAB = re.compile(
    r"\b"
    + by_letter(
        r"wbc|rbc|plt|platelets?|platelet count|count|psa|bnp|nt-?probnp|ferritin|glucose"
        r"|cpk|ck|troponin|ast|alt|ldh|hcg|beta|viral load|load|titer|anc|cfu|colonies|lipase"
        r"|amylase|triglycerides|cholesterol|creatinine|sodium|urine output|output|intake|volume"
        r"|ddimer|dimer|procalcitonin|tsh|b12|vitamin d|weight|dose|heparin|insulin"
    )
    + r"(?:\s+(?:of|was|is|at|to|from|level|levels|count|up|down|came|back|around|about|over"
    r"|above|below|elevated|high|low|:|=|>|<|\d[\d,.]*)){0,5}\s*[:=><~]?\s*$",
    re.I,
)
_KEPT_WORD = re.compile(
    r"(?:covid|sars|cov|t\d|n\d|m\d|p?t\d|cd|il|hla|bcr|brca|her|ki|ca|fev|spo|pao|paco|fio"
    r"|hco|co|o|h|b|d|k|c|l|s|t|a|q|omega|type|grade|stage|mp|rs|nct|pmid|vit|g\d|p\d|bnt"
    r"|mrna|ad|gpiib|cyp|ht|alpha|beta|gamma|xp|i)[-–]?\d{0,3}[a-z]{0,3}\d{0,2}$",
    re.I,
)
_CODE_SHAPE = re.compile(
    r"(?:[cgmnpr]\.[\w*+>-]{2,30}|[A-TV-Z]\d[\dAB](?:\.[\dA-Z]{1,4})?|\d{4,5}-\d|NCT\d{8}"
    r"|rs\d{3,12}|PMC?\d{5,9}|[CGJV]\d{4}|v?\d{1,3}(?:\.\d{1,3}){1,3})$",
    re.I,
)
_PREFIX = re.compile(r"(?<!\w)([A-Z]{1,5}) $")
_LABEL_WORD = re.compile(
    r"MRN|NPI|DEA|SSN|SS|ID|VIN|NO|NUM|SN|DOB|REF|UDI|IMEI|MBI|HICN?|PIN|BIN|PCN|FIN|CSN|ACCT"
    r"|TEL|FAX|PH|CELL|IS|PPO|HMO|CARD|CODE|PLAN"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_SSN_SHAPE = re.compile(r"(?:\d{3}|[Xx*]{3})\s?[-–./ ]\s?(?:\d{2}|[Xx*]{2})\s?[-–./ ]\s?\d{4}")
_SPACED = re.compile(r"(?<![\w.])(?:\d[-–. ]{1,3}){6,18}\d(?![\w%])")
_MBI = re.compile(
    r"(?<![\w-])[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[-"
    r" ]?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[- ]?[AC-HJKMNP-RT-Y]{2}\d{2}(?![\w-])",
    re.I,
)
_VIN = re.compile(
    r"(?<![\w-])(?=[A-HJ-NPR-Z]*\d)(?=\d*[A-HJ-NPR-Z])[A-HJ-NPR-Z0-9]{11}\d{2}[A-HJ-NPR-Z0-9]{0,1}\d{3,4}(?![\w-])",
    re.I,
)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.I)
_MAC = re.compile(
    r"[0-9a-fA-F](?:(?<![\w:-].)[0-9a-fA-F][:-](?:[0-9a-fA-F]{2}[:-]){4}[0-9a-fA-F]{2}(?![\w:-])"
    r"|(?<![\w.].)(?=(?<=[a-fA-F])|[0-9.]{0,12}[a-fA-F])[0-9a-fA-F]{3}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(?![\w.]))"
    # misread or made by its maker: other letters as well
    r"|\d(?<![\w:-].)[\dA-Z][:-](?:[\dA-Z]{2}[:-]){4}[\dA-Z]{2}(?![\w:-])",
)
# A plate's parts may stand apart, in either order: "735 WGR"; letters are capitals, so that "plate 4 holes" stays.
_PLATE = re.compile(
    r"\b(?i:plates?|tags?)(?:\s*(?i:numbers?|no\.?|\#|is|was|were|are|of|reads?|reading|:)){0,4}\s*(?:[A-Z]{2}\s+)?"
    r"(?P<value>(?=[A-Z0-9 -]{0,8}\d)(?=[A-Z0-9 -]{0,8}[A-Z])[A-Z0-9]{1,5}[- ]?[A-Z0-9]{2,6})\b"
)
_DIGIT_WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_OF_A_NUMBER = re.compile(
    r"\b(?:card|account|acct|a/c|ssn|visa|master ?card|amex|american express|discover|debit|credit|checking|savings"
    r"|loan|social|pin|pass ?code|ext(?:ension)?|number|digits|last (?:4|four))\b",
    re.I,
)
# Short numbers that stand for somebody by what is said of them: the end of a longer one, a secret, an extension.
_PART = re.compile(
    r"\b(?:pin|pass ?code|last (?:4|four|5|five|six|6)(?: digits?| numbers?)?(?: (?:of )?(?:ssn|social|ss))?"
    r"|end(?:s|ing) (?:in|with)"
    r"|(?P<ending>ending|ends)|ext(?:ension)?)\b\.?"
    r"(?:\s+(?:of|on|for)\s+(?:(?:my|the|his|her|your|their)\s+)?(?:\w{2,12}\s*){1,3}?)?"
    r"(?:\s*(?:number|code|is|are|was|'s|:|\#|=|-)){0,3}\s*"
    rf"(?P<value>\d{{4,6}}(?![\w%]|\.\d|\s*(?:mg|ml|units))"
    rf"|{_DIGIT_WORD}(?:[\s,-]+{_DIGIT_WORD}){{2,5}})\b",
    re.I,
)
_UDI = re.compile(r"\(01\)\s?\d{14}(?:\s?\((?:1[0-7]|21|30)\)\s?[\w-]{1,20}){0,5}")
_DATE_LIKE = re.compile(
    r"(?:\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([/.-])\d{1,2}\2\d{1,2}(?:T.*)?|(?:19"
    r"|20)\d\d(?:[-–/](?:19|20)?\d\d)?|\d{1,2}/\d{2,4})$"
)


# HIBCC's and ISBT 128's device identifiers; GS1's in brackets is `_UDI`.
_HIBC = re.compile(r"(?<![\w+])\+(?=(?:[A-Z]{0,20}\d){3})[A-Z][A-Z0-9]{5,24}(?:/\${0,2}\+?[A-Z0-9]{2,40}){0,6}")
_ISBT = re.compile(r"=/[A-Z0-9]{10,24}(?:[=&][,>)}]?[0-9A-Z;{]{2,30}){1,8}")
# Two figures by two, three times: a terminal digit of a chart, and a date only if one can be read.
_IMPLANT = re.compile(r"\bICD\W{0,4}$")
_THREE_PAIRS = re.compile(r"\d\d-\d\d-\d\d$")
_CHART = re.compile(
    r"\b(?:m\.?r\.?n?\.?|chart|med(?:ical)?\.?\s+rec(?:ord)?s?|record|specimen|accession|(?:patient|pt|unit"
    r"|case)(?:\s+id)?)"
    r"\s*(?:#|no\.?|number|num|id)?\s*(?:is\s+)?[:#=]*\s*$",
    re.I,
)
_SHORT_MIXED = re.compile(r"[A-Z]\d{4}$")
# A laboratory's numbers by year, what opens an account, and any long number behind a "#".
_YEARLY = re.compile(r"\b\d{2}:[A-Z]{1,3}-?\d{3,8}[A-Z]?\b")
_SECRET = re.compile(
    r"\b(?:pass ?(?:words?|codes?)|pwd|passphrase|user ?(?:name|id)|login)\b\s*(?:is|was"
    r"|[:=])?\s*(?P<value>(?=\S*[\d_])[^\s,;]{4,40}[^\s,;.)])",
    re.I,
)
_SECRET_SIGNS = ("pass", "pwd", "login", "user")
_HYPHENED = re.compile(r"[A-Z]{1,4}-\d{3,}(?:-[A-Z\d]{1,4})?$")


class NumberRecogniser(ReadingRecogniser):
    """Record, plan, account, device, vehicle and licence numbers, social security numbers, any other long number."""

    kinds = (
        Kind.SSN, Kind.LICENCE, Kind.VEHICLE, Kind.PLAN, Kind.ACCOUNT, Kind.DEVICE, Kind.RECORD, Kind.FAX, Kind.PHONE,
        Kind.OTHER,
    )  # fmt: skip

    def find(self, reading: Reading) -> Iterator[Found]:
        """Looks at every number once: its label, then its shape."""
        text = reading.text
        for pattern, kind in (
            (_UUID, Kind.OTHER),
            (_MAC, Kind.DEVICE),
            (_UDI, Kind.DEVICE),
            (_HIBC, Kind.DEVICE),
            (_ISBT, Kind.DEVICE),
            (_MBI, Kind.PLAN),
        ):
            yield from (Found(match.start(), match.end(), kind, CERTAIN) for match in pattern.finditer(text))
        yield from (Found(match.start(), match.end(), Kind.VEHICLE, LIKELY) for match in _VIN.finditer(text))
        for match in _PLATE.finditer(text):
            if sum(character.isalnum() for character in match["value"]) > 4:
                yield Found(match.start("value"), match.end("value"), Kind.VEHICLE, LIKELY)
        yield from (Found(match.start(), match.end(), Kind.RECORD, LIKELY) for match in _YEARLY.finditer(text))
        low = text.lower()
        for match in _SECRET.finditer(text) if any(sign in low for sign in _SECRET_SIGNS) else ():
            yield Found(match.start("value"), match.end("value"), Kind.OTHER, LIKELY)
        for match in _PART.finditer(text):
            if match["ending"] and not _OF_A_NUMBER.search(text, max(0, match.start() - 24), match.start()):
                continue  # infusion ending 1430
            if _YEAR.fullmatch(match["value"]) and not _OF_A_NUMBER.search(
                text, max(0, match.start() - 20), match.end()
            ):
                continue  # the year ending in 2019
            kind = self.labelled(text, match.start("value"), _DIGITS_FROM_WORD_ALONE) or Kind.OTHER
            yield Found(match.start("value"), match.end("value"), kind, LIKELY)
        for match in _SSN_SHAPE.finditer(text):
            if not _beside_digit(text, match) and not _DATE_LIKE.match(match.group()):
                yield Found(match.start(), match.end(), Kind.SSN, CERTAIN)
        for match in _SPACED.finditer(text):
            digits = sum(character.isdigit() for character in match.group())
            kind = self.labelled(text, match.start(), digits) or (Kind.SSN if digits == 9 else Kind.OTHER)
            yield Found(match.start(), match.end(), kind, LIKELY)
        for pattern in (_VALUE, _LETTERS):
            for match in pattern.finditer(text):
                found = self._judged(text, match.start(), match.start() + len(match.group().rstrip("./-–_^")))
                if found:
                    yield replace(found, end=word_end(text, found.end))

    def labelled(self, text: str, start: int, digits: int, *, sure_only: bool = False) -> Kind | None:
        """The kind that the words before a number say, None when they say none.

        Args:
            text: The text.
            start: Where the number begins.
            digits: How many digits it has; short numbers need a surer label.
            sure_only: Only labels that mean the number of a person wherever they stand.
        """
        before = text[max(0, start - _BEFORE) : start]
        paragraph = before.rfind("\n\n")
        before = before[paragraph + 2 :] if paragraph >= 0 else before
        best: tuple[int, Kind] | None = None
        for kind, quick, label in _LABELS:
            if not quick.search(before):
                continue
            for match in label.finditer(before):
                sure = bool(_SURE.search(before, match.start()))
                if sure_only and not sure:
                    continue
                numbered = bool(_NUMBERED.search(before, match.start()))
                if (
                    digits >= _DIGITS_FROM_WORD_ALONE
                    or (digits >= 3 and (sure or numbered))
                    or (digits == 2 and sure and numbered)
                ):
                    if best is None or match.start() < best[0]:
                        best = (match.start(), kind)
                    break
        return best[1] if best else None

    def _judged(self, text: str, start: int, end: int) -> Found | None:
        value = text[start:end]
        digits = sum(character.isdigit() for character in value)
        if digits < 2:
            # A code of six signs and more in capitals may have one figure: "LOT K7PMJX".
            coded = digits and len(value) > 5 and value.isalnum() and value.isupper() and not _KEPT_WORD.match(value)
            only = self.labelled(text, start, _DIGITS_FROM_WORD_ALONE) if coded else None
            return Found(start, end, only, LIKELY) if only else None
        before = text[max(0, start - _BEFORE) : start]
        if _DATE_LIKE.match(value.lstrip("#*")):
            paired = _THREE_PAIRS.match(value) and (_CHART.search(before) or not is_dated(value))
            return Found(start, end, Kind.RECORD, LIKELY) if paired else None
        # No volume has letters or hyphens, and no diagnosis six figures: "intake 33-560410", "ICD 80978476".
        coded = digits >= 6 and not value.isdigit()
        system = _CODE_SYSTEM.search(before) and not (digits >= 6 and _IMPLANT.search(before))
        measured = system or (_UNIT.match(text, end) and digits < 9) or (not coded and _LAB.search(before))
        # A code of letters and digits is as long as it is written: "lot 51PN43" is no "lot 43".
        mixed = (len(value) > 5 and value.lstrip("#*").isalnum() and value.isupper()) or bool(
            _HYPHENED.match(value) or (_SHORT_MIXED.match(value) and not _CODE_SHAPE.match(value))
        )
        if measured or (_KEPT_WORD.match(value) and not mixed):
            # B12 is a vitamin, but "policy number B12345" is not.
            sure = digits >= 3 and self.labelled(text, start, digits, sure_only=True)
            return Found(start, end, sure, CERTAIN) if sure else None
        if prefixed := self._prefixed(text, start, end, digits):
            return prefixed
        kind = self.labelled(text, start, max(digits, _DIGITS_FROM_WORD_ALONE) if mixed else digits)
        if kind and not (_CODE_SHAPE.match(value) and digits < 6 and (kind is Kind.OTHER or "." in value)):
            return Found(start, end, kind, CERTAIN)
        if _CODE_SHAPE.match(value):
            return None
        letters = any(character.isalpha() for character in value)
        if digits >= 4 and (value[0] == "#" or before.rstrip(" ").endswith("#")) and not is_round(value):
            return Found(start, end, Kind.OTHER, POSSIBLE)
        if is_code(value):
            return Found(start, end, Kind.OTHER, POSSIBLE)
        if digits >= 6 and (letters or digits >= 7 or value.isdigit()) and not is_round(value) and not is_ratio(value):
            return Found(start, end, Kind.OTHER, POSSIBLE)
        return None

    def _prefixed(self, text: str, start: int, end: int, digits: int) -> Found | None:
        """A number written in two parts, "BSX 4412-77A", or whose label was written twice, "CSN: CSN 441207"."""
        prefix = _PREFIX.search(text, max(0, start - 7), start)
        if not prefix:
            return None
        first = prefix.start(1)
        label = _LABEL_WORD.fullmatch(prefix[1])
        kind = None if label else self.labelled(text, first, digits)
        twice = text[max(0, first - 2) : first] in (": ", "# ")
        series = not label and text[start:end].isdigit() and is_series(prefix[1])
        if kind is None and digits >= 6 and (twice or series):
            kind = self.labelled(text, start, digits) or Kind.OTHER
        return Found(first, end, kind, CERTAIN) if kind else None


def _beside_digit(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    return (before.isalnum() or before in ("-", ".")) or after.isalnum()
