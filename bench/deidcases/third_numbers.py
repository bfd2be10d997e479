"""Record, plan, licence, vehicle and device numbers for the third set, in forms that U.S. bodies publish or print.

Patterns: # a digit, ? a letter, * either. MBI: CMS, Understanding the Medicare Beneficiary Identifier; VIN: 49 CFR
565; member ids: as insurers print them; driver licences: as states print them; UDI: 21 CFR 830, GS1 and HIBCC forms.
"""

from __future__ import annotations

from typing import Final

RECORD: Final = (
    "00######|E#######|#######|########|MR######|##-##-##|Z#######|10########|H00#######|###-##-##|M#########"
)
ENCOUNTER: Final = "100#######|2########|V000########|7#######|#########"
ACCESSION: Final = "24-CT-00#####|RA-2025-00#####|MR########|US25#####|A#######|2025######|XR-00#####"
SPECIMEN: Final = "S24-#####|H25-00##|SU-25-0####|CY24-####|W##-25-####|MB25-###"
PRESCRIPTION: Final = "#######-##|#######|C#######|6####-#####"
PLAN: Final = """
W#########|XYA#########|R########|U######## 01|9########|H########
YPM##########|00#########01|??#####?|JQU###M#####|80########-00
""".strip()
MEDICAID: Final = "??#####?|9########|#########|8#######A"
GROUP: Final = "7######|00#####|P####|10#####-###-#####|W####5|GRP-#####"
ACCOUNT: Final = "6########|600######|#######-#|G-######|4#######2|AC######|H##########"
BANK: Final = "##########|####-######|000########|########"
CLAIM: Final = "2025#########|E#########|CLM######|25###-##-####|2025 #### #####"
DOCTOR: Final = "MD-#####|A ######|MD0#####L|P####|ME1#####|35.0#####|DO-####|G#####"
NURSE: Final = "9######|RN-######|RN######L|PN0####|APRN.CNP.0#####"
DRIVER: Final = (
    "D#######|### ### ###|?###-###-##-###-#|########|S###-####-####|A#### ##### #####|RT######|H########|?##-###-###"
)
PASSPORT: Final = "5########|A########|C0#######"
PLATE: Final = "#???###|???-####|??? ####|?## ???|?? #####|###-???|???####|### ??#"
SERIAL: Final = "PZM######S|##########|NG#######H|SN###-#####|####X#?#|RNE######|BLJ######H|#??#####|2#######-##"
UDI: Final = """
(01)00######0#####(17)27051#(10)?####(21)SN#####|(01)0########5####(11)24031#(21)????###|+M###??####1/$$+727061#?#####/S######
""".strip()
MAC: Final = "00:1B:##:4C:##:A7|3C-52-##-0E-##-9F|B8:27:EB:##:D#:##"
STUDY: Final = "0###-00##|SUBJ-1###|???-0##-####|#####-##-P"
BADGE: Final = "EE#####|0#####|B-####|###-##-?"
CASE: Final = "CPS 25-######|25-0#####|2024-CR-00####|J-####-25|AK####|WC######"
VIN_SIGNS: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_VALUES: Final = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
MBI_LETTERS: Final = "ACDEFGHJKMNPQRTUVWXY"


def vin_check(vin: str) -> str:
    """The ninth sign of a vehicle identification number of 17 signs, by 49 CFR 565.15(c)."""
    total = sum((int(sign) if sign.isdigit() else _VALUES[sign]) * by for sign, by in zip(vin, _WEIGHTS, strict=True))
    return "X" if total % 11 == 10 else str(total % 11)
