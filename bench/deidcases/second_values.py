"""Values for the second unseen set: pools of its own, and numbers by their published forms.

Whoever improves the detector reads neither this file nor second_b.txt. Each half of the set draws from its own half of
every pool, so a name seen in half a never helps in half b.
"""

from __future__ import annotations

import random

from deidcases.draws import Kinds, Piece, TextDraws
from deidcases.second_numbers import digit_words, luhn, number_words
from deidcases.second_people import Person, draw_person, letters, taken
from deidcases.second_pools import (
    AREA_CODES,
    CARE,
    DOMAINS,
    EMPLOYER_KINDS,
    FOUNDERS,
    HOLIDAYS,
    PHARMACIES,
    SAINTS,
    SCHOOLS,
    STREET_KINDS,
    STREETS,
    TOWNS,
)  # fmt: skip


class Draws(TextDraws):
    """The values of one text of the second set.

    Args:
        half: "a" or "b": which half of the pools.
        rng: Source of all choices.
    """

    roles = ("pt", "rel", "rel2", "doc", "doc2", "rn", "x")

    def __init__(self, half: str, rng: random.Random) -> None:
        super().__init__(rng)
        self._half = half

    def _person(self, _role: str) -> Person:
        return draw_person(self._half, self._rng)

    def _kinds(self) -> Kinds:
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

    def _holiday(self, _form: str) -> list[Piece]:
        name = self._one(HOLIDAYS)
        bare = name.removeprefix("the ")
        return [(name[: len(name) - len(bare)], False), (bare, True)]

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
