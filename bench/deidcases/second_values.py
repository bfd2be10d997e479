"""Values for the second unseen set: pools of its own, and numbers by their published forms.

Whoever improves the detector reads neither this file nor second_b.txt. Each half of the set draws from its own half of
every pool, so a name seen in half a never helps in half b. Only what Safe Harbor takes is an identifier (45 CFR
164.514(b)(2)): of a date the month and day, of an age the number where it is over 89.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from deidcases.second_numbers import TEENS, digit_words, luhn, number_words
from deidcases.second_people import Person, draw_person, letters, misheard, spelled, taken
from deidcases.second_pools import (
    AREA_CODES,
    CARE,
    DOMAINS,
    EMPLOYER_KINDS,
    FOUNDERS,
    HOLIDAYS,
    MONTHS,
    PHARMACIES,
    SAINTS,
    SCHOOLS,
    STREET_KINDS,
    STREETS,
    TOWNS,
)  # fmt: skip

Piece = tuple[str, bool]
"""Text, and whether it is part of the identifier."""

_ORDINALS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
ROLES: Final = ("pt", "rel", "rel2", "doc", "doc2", "rn", "x")


class Draws:
    """The values of one text: a role keeps its person through the text, everything else is drawn anew.

    Args:
        half: "a" or "b": which half of the pools.
        rng: Source of all choices.
    """

    def __init__(self, half: str, rng: random.Random) -> None:
        self._half, self._rng = half, rng
        self._people: dict[str, Person] = {}

    def value(self, slot: str) -> tuple[str, list[Piece]]:
        """Type and pieces of a slot such as `date.us` or `pt.last`; a KeyError names a slot that does not exist."""
        base, _, form = slot.partition(".")
        drawn: str | list[Piece]
        if base in ROLES:
            kind, drawn = self._name(base, form)
        else:
            kind, draw = self._kinds()[base]
            drawn = draw(form)
            kind += " (spoken)" if form.startswith("say") else ""
        pieces = drawn if isinstance(drawn, list) else [(drawn, True)]
        text, hidden = pieces[-1]
        if hidden and text.endswith("."):  # the period of an abbreviation tells nobody anything
            pieces[-1:] = [(text[:-1], True), (".", False)]
        return kind, pieces

    def _kinds(self) -> dict[str, tuple[str, Callable[[str], str | list[Piece]]]]:
        return {
            "date": ("date", lambda form: self._date(form, 2016)), "dob": ("date", lambda form: self._date(form, 1932)),
             "holiday": ("date", self._holiday), "age": ("age", self._age),
            "street": ("address", self._street), "unit": ("address", self._unit), "town": ("place", self._town),
            "zip": ("place", self._zip), "fac": ("facility", self._facility), "emp": ("employer", self._employer),
            "phone": ("phone", self._phone), "fax": ("fax", self._phone), "email": ("email", self._email),
            "url": ("url", self._url), "ip": ("ip", self._ip), "ssn": ("ssn", self._ssn),
            "record": ("record", self._record), "plan": ("plan", self._plan), "account": ("account", self._account),
            "licence": ("licence", self._licence), "device": ("device", self._device),
            "vehicle": ("vehicle", self._vehicle), "social": ("social", self._social), "code": ("code", self._code),
        }  # fmt: skip

    def _one(self, pool: str) -> str:
        return self._rng.choice(taken(pool, self._half))

    def _filled(self, pattern: str) -> str:
        """Write a digit for #, a letter for ?, either for *; both without what is easily misread."""
        signs = {"#": "0123456789", "?": "ABCDEFGHJKLMNPRSTUVWXYZ", "*": "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"}
        return "".join(self._rng.choice(signs[sign]) if sign in signs else sign for sign in pattern)

    def _any(self, *patterns: str) -> str:
        return self._filled(self._rng.choice(patterns))

    def _name(self, role: str, form: str) -> tuple[str, list[Piece]]:
        if role not in self._people:
            self._people[role] = draw_person(self._half, self._rng)
        who = self._people[role]
        first, last, rng = who.first, who.last, self._rng
        if form in ("spell", "spellfirst"):
            return "name (spoken)", [(spelled(first if form == "spellfirst" else last, rng), True)]
        if form in ("heard", "heardfirst"):
            return "name (misheard)", [(misheard(first if form == "heardfirst" else last, rng), True)]
        forms = {
            "": f"{first} {last}{who.suffix}", "first": first, "last": last, "mid": f"{first} {who.middle}. {last}",
            "comma": f"{last}, {first}", "caps": f"{last}, {first} {who.middle}".upper(), "plain": f"{first} {last}",
            "upper": f"{first} {last}".upper(), "hl7": f"{last}^{first}^{who.middle}".upper(),
            "init": f"{first[0]}.{last[0]}.".upper(), "initlast": f"{first[0]}. {last}",
            "tight": f"{first[0]}{last[0]}".upper(), "user": f"{first[0]}{letters(last)}".lower(),
        }  # fmt: skip
        return "name", [(forms[form], True)]

    def _date(self, form: str, since: int) -> list[Piece]:
        rng = self._rng
        year, month, day = rng.randint(since, 2025), rng.randint(1, 12), rng.randint(1, 28)
        name = MONTHS.split()[month - 1]
        short = name[:3]
        ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
        ordinals = [*_ORDINALS.split(), *(f"{word}th" for word in TEENS[3:])]
        said = ordinals[day - 1] if day < 20 else "twentieth" if day == 20 else f"twenty {ordinals[day - 21]}"
        century = {19: "nineteen", 20: "twenty"}[year // 100]
        said_year = f"{century} {'oh ' if 0 < year % 100 < 10 else ''}{number_words(year % 100)}"
        if 2000 <= year < 2010:
            said_year = "two thousand" + (f" {number_words(year % 100)}" if year % 100 else "")
        forms: dict[str, list[Piece]] = {
            "us": [(f"{month}/{day}", True), (f"/{year}", False)],
            "us2": [(f"{month:02}/{day:02}", True), (f"/{year % 100:02}", False)],
            "md": [(f"{month}/{day}", True)],
            "iso": [(f"{year}-", False), (f"{month:02}-{day:02}", True)],
            "dash": [(f"{month:02}-{day:02}", True), (f"-{year}", False)],
            "dot": [(f"{day:02}.{month:02}", True), (f".{year}", False)],
            "long": [(f"{name} {day}", True), (f", {year}", False)],
            "short": [(f"{short} {day}", True), (f", {year}", False)],
            "dmy": [(f"{day} {short}", True), (f" {year}", False)],
            "mil": [(f"{day:02}{short.upper()}", True), (f"{year}", False)],
            "dmon": [(f"{day:02}-{short.upper()}", True), (f"-{year}", False)],
            "ord": [(f"{name} {ordinal}", True)],
            "of": [("the ", False), (f"{ordinal} of {name}", True)],
            "mon": [(f"{short} {day}", True)],
            "month": [(name, True), (f" {year}", False)],
            "monthonly": [(name, True)],
            "my": [(f"{month:02}", True), (f"/{year}", False)],
            "eight": [(f"{year}", False), (f"{month:02}{day:02}", True)],
            "say": [(f"{name} {said}", True)],
            "sayyear": [(f"{name} {said}", True), (f" {said_year}", False)],
            "sayof": [("the ", False), (f"{said} of {name}", True)],
            "saymd": [(f"{number_words(month)} {number_words(day)}", True)],
            "saynum": [
                (f"{number_words(month)} {number_words(day)}", True), (f" {number_words(rng.randint(31, 99))}", False),
            ],
        }  # fmt: skip
        return forms[form]

    def _holiday(self, _form: str) -> list[Piece]:
        name = self._one(HOLIDAYS)
        bare = name.removeprefix("the ")
        return [(name[: len(name) - len(bare)], False), (bare, True)]

    def _age(self, form: str) -> str:
        years = self._rng.choice((90, 91, 91, 92, 92, 93, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 104))
        if form == "say":
            over = f"a hundred and {number_words(years - 100)}" if years > 100 else "a hundred"
            return over if years >= 100 else number_words(years)
        return str(years)

    def _street(self, form: str) -> str:
        rng, name, kind = self._rng, self._one(STREETS), rng_kind(self._rng)
        if form == "box":
            return f"{rng.choice(('PO Box', 'P.O. Box', 'P. O. Box'))} {rng.randint(11, 9899)}"
        if form == "rural":
            return rng.choice(("RR {} Box {}", "HC {} Box {}", "Rural Route {}, Box {}")).format(
                rng.randint(1, 9), rng.randint(10, 299)
            )
        if form == "say":
            return f"{number_words(rng.randint(11, 98))} {number_words(rng.randint(11, 98))} {name} {kind[0]}"
        if form == "name":
            return f"{name} {kind[0]}"
        way = rng.choice(("", "", "", "N ", "S. ", "West ", "E "))
        if rng.random() < 0.12:
            return f"{rng.randint(100, 9900)} {way}{rng.randint(4, 20)}th {rng.choice(('St', 'Street', 'Ave'))}"
        line = f"{rng.randint(3, 19_800)} {way}{name} {rng.choice(kind)}"
        return line.upper() if form == "caps" else line

    def _unit(self, _form: str) -> str:
        return self._any("Apt #?", "Apt. ##", "Unit #", "Ste ###", "Lot ##", "Apartment #?", "Trlr #", "Bldg ?, Apt ##")

    def _town(self, form: str) -> str:
        town = self._one(TOWNS)
        return {"": town, "caps": town.upper(), "county": f"{town} County", "say": town}[form]

    def _zip(self, form: str) -> str:
        digits = f"{self._rng.randint(1001, 99_599):05}"
        return {"": digits, "four": f"{digits}-{self._filled('####')}", "say": digit_words(digits, self._rng)}[form]

    def _facility(self, form: str) -> str:
        rng, town, tree = self._rng, self._one(TOWNS), self._one(STREETS)
        saint, founder = self._one(SAINTS), self._one(FOUNDERS)
        if form == "pharmacy":
            return f"{rng.choice((town, tree, founder))} {rng.choice(PHARMACIES.split('|'))}"
        if form == "school":
            return f"{rng.choice((town, tree, founder))} {rng.choice(SCHOOLS.split('|'))}"
        if form == "care":
            return f"{rng.choice((tree, town))} {rng.choice(CARE.split('|'))}"
        if form == "short":
            return rng.choice((f"{founder} Memorial", f"{town} General", f"St. {saint}'s", f"Mount {saint}"))
        if form == "clinic":
            kind = rng.choice(
                ("Family Medicine", "Orthopedics", "Pediatrics", "Women's Health", "Eye Associates", "Dental")
            )
            return f"{rng.choice((tree, town, founder))} {kind}"
        whole = (
            f"{town} Regional Medical Center", f"St. {saint} Hospital", f"{founder} Memorial Hospital",
            f"{town} Community Hospital", f"{saint} Mercy Medical Center", f"University Hospital of {town}",
            f"{tree} Health Clinic", f"{founder} Cancer Institute", f"Children's Hospital of {town}",
        )  # fmt: skip
        name = rng.choice(whole)
        return name.upper() if form == "caps" else name

    def _employer(self, _form: str) -> str:
        rng, stem = self._rng, self._rng.choice((self._one(STREETS), self._one(TOWNS), self._one(FOUNDERS)))
        return f"{stem} {rng.choice(EMPLOYER_KINDS.split('|'))}"

    def _phone(self, form: str) -> str:
        rng = self._rng
        area = rng.choice(AREA_CODES.split())
        exchange = self._any("2##", "3##", "4##", "6##", "7##", "8##")
        exchange = exchange[:2] + ("3" if exchange.endswith("11") else exchange[2])  # N11 are service codes
        line = self._filled("####")
        digits = f"{area}{exchange}{line}"
        if form == "say":
            return rng.choice((digit_words(digits, rng), f"{digit_words(area, rng)} {digit_words(exchange, rng)} "
                               f"{number_words(rng.randint(11, 98))} {number_words(rng.randint(11, 98))}"))  # fmt: skip
        if form == "sayseven":
            return digit_words(exchange + line, rng)
        if form == "seven":
            return f"{exchange}-{line}"
        forms = (
            f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"{area}.{exchange}.{line}",
            f"({area}){exchange}-{line}", f"1-{area}-{exchange}-{line}", f"+1 {area} {exchange} {line}", digits,
            f"{area} {exchange} {line}", f"{area}/{exchange}-{line}",
        )  # fmt: skip
        return rng.choice(forms)

    def _email(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._half, self._rng)
        first, last, host = letters(who.first).lower(), letters(who.last).lower(), self._one(DOMAINS)
        year = str(rng.randint(50, 99))
        if form == "say":
            name = rng.choice((f"{first} dot {last}", f"{first[0]} {last} {number_words(int(year))}",
                               f"{first} underscore {last}", f"{last} {first} {digit_words(year, rng)}"))  # fmt: skip
            return f"{name} at {host.replace('.', ' dot ')}"
        name = rng.choice(
            (f"{first}.{last}", f"{first[0]}{last}", f"{first}{year}", f"{last}_{first}", f"{first}-{last}{year}")
        )
        return f"{name}@{host}"

    def _url(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._half, self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        town = letters(self._one(TOWNS)).lower()
        portals = (
            f"https://portal.{town}health.org/m/{self._filled('######')}",
            f"https://{town}clinic.org/visit?id={self._filled('*****')}",
            f"{town}medical.com/results/{self._filled('#######')}",
        )  # fmt: skip
        pages = (
            f"https://www.{first}{last}.com", f"www.gofundme.com/f/help-{first}-{last}",
            f"http://{last}family.net/about.html",
            f"caringbridge.org/visit/{first}{last}", f"www.linkedin.com/in/{first}-{last}-{self._filled('####')}",
        )  # fmt: skip
        return rng.choice(portals if form == "portal" else pages)

    def _ip(self, _form: str) -> str:
        rng = self._rng
        if rng.random() < 0.25:
            return f"2001:db8:{rng.randrange(65536):x}:{rng.randrange(65536):x}::{rng.randrange(1, 65536):x}"
        return ".".join(str(rng.randint(1, 254)) for _ in range(4))

    def _ssn(self, form: str) -> str:
        area, group, serial = self._rng.randint(1, 665), self._rng.randint(1, 99), self._rng.randint(1, 9999)
        parts = f"{area:03}", f"{group:02}", f"{serial:04}"
        forms = {"": "-".join(parts), "sp": " ".join(parts), "run": "".join(parts), "last": parts[2]}
        if form.startswith("say"):
            return digit_words(parts[2] if form == "saylast" else "".join(parts), self._rng)
        return forms[form]

    def _record(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("#######", "########", "######"), self._rng)
        if form == "path":
            return self._any("S25-#####", "SP-24-####", "C24-####", "BX25-00####", "NG25-#####")
        if form == "acc":
            return self._any("########", "25-###-####", "CT########", "ACC#######", "XR-24-######", "E#######")
        if form == "rx":
            return self._any("#######", "######-#####", "N######", "## #####")
        return self._any(
            "########", "#######", "00######", "M-######", "E########", "###-##-###-#", "MR0#####", "##-##-##"
        )

    def _plan(self, form: str) -> str:
        mbi = "1?#*-?*#-??##".replace("*", "?")  # the form of Medicare's beneficiary identifiers, CMS 2018
        if form == "say":
            return digit_words(self._any("?##########", "???#########", "#########"), self._rng).lower()
        if form == "mbi":
            return self._any(mbi, mbi.replace("-", ""))
        if form == "group":
            return self._any("00#####-0#", "#######", "G#####", "?####-##", "#####")
        return self._any(
            "???#########", "W##########", "?##########", "#########-0#", "##########", "U########", "??-#######"
        )

    def _account(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("########", "######"), self._rng)
        if form == "card":
            body = self._rng.choice(("4", "51", "37"))
            body += self._filled("#" * ((14 if body == "37" else 15) - len(body)))
            card = body + luhn(body)
            return card if self._rng.random() < 0.3 else " ".join(card[at : at + 4] for at in range(0, len(card), 4))
        if form == "claim":
            return self._any("CLM-2025-######", "25###########", "EOB########", "?#######-##")
        return self._any(
            "########", "H000########", "####-####", "A-#######", "6##########", "V#########", "###-######"
        )

    def _licence(self, form: str) -> str:
        rng = self._rng
        if form == "say":
            return digit_words(self._any("?#######", "##########"), rng).lower()
        if form == "saynpi":
            return digit_words(self._filled("1#########"), rng)
        if form == "npi":
            body = "1" + self._filled("########")
            return body + luhn("80840" + body)  # CMS, NPI check digit
        if form == "dea":
            digits = self._filled("######")
            odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
            return self._any("A?", "B?", "F?", "M?") + digits + str((odd + 2 * even) % 10)
        if form == "driver":
            return self._any("?#######", "?###-####-####", "########", "??######", "?##-##-####", "###-###-###")
        return self._any(
            "MD#####", "A ######", "RN-######", "25MA########", "036-######", "DO.00#####", "LCSW ####", "?#####"
        )

    def _device(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("??######", "#######", "?##?###"), self._rng).lower()
        if form == "udi":
            return self._any(
                "(01)00######0#####(17)27063#(10)?##?(21)#######", "(01)0########31###(11)24021#(21)???######",
                "+H###???##0/$$32706##S*******",
            )  # fmt: skip
        return self._any(
            "???######?", "Z##-#####", "####-######", "??##########", "#?-#####-??", "??? ######", "########-###"
        )

    def _vehicle(self, form: str) -> str:
        if form == "vin":
            return self._any("1HG??#*#*#?0#####", "5??*#*###?#######", "JT#*?#*###?######")
        if form == "say":
            return digit_words(self._any("???####", "#???###"), self._rng).lower()
        return self._any("??? ####", "#???###", "???-####", "??#####", "### ???", "?## ???")

    def _social(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._half, self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        if form == "say":
            return rng.choice(
                (
                    f"{first} underscore {last}",
                    f"the real {first} {last}",
                    f"{first} {last} {number_words(rng.randint(11, 98))}",
                )
            )
        if form == "bare":
            return rng.choice(
                (f"{first}_{last}", f"{first}{last}{rng.randint(10, 99)}", f"xx{last}xx", f"{last}.{first}")
            )
        return "@" + rng.choice(
            (f"{first}_{last}", f"{first}{rng.randint(10, 99)}", f"real{last}", f"{first}.{last}{rng.randint(1, 9)}")
        )

    def _code(self, _form: str) -> str:
        return self._any("???-###-00##", "P-####", "#######", "?#####", "??##-####", "BB-#####-?", "0##-0##")


def rng_kind(rng: random.Random) -> tuple[str, ...]:
    """A kind of street and its abbreviations."""
    return rng.choice([tuple(kind.split("/")) for kind in STREET_KINDS.split()])
