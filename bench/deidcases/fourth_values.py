"""Values of the fourth set. Telephone numbers are of 555-01xx, domains of example.*, as reserved for such use."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import ClassVar

from deidcases import fourth_names as names
from deidcases import fourth_places as places
from deidcases.draws import Kinds, Piece, TextDraws
from deidcases.fourth_people import draw_person, entries
from deidcases.second_numbers import digit_words, luhn, number_words
from deidcases.second_people import Person, letters
from deidcases.second_pools import MONTHS
from deidcases.third_numbers import vin_check

SEXES = {"her": 0, "sis": 0, "bro": 1, "mom": 0, "wife": 0, "dau": 0, "him": 1, "dad": 1, "husb": 1, "son": 1}
RELATIVES = ("mom", "dad", "wife", "husb", "dau", "son", "bro", "sis", "kin")
SAME_LAST = 0.6
"""Share of the relatives who bear the patient's surname."""
SPANISH_MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"


@cache
def listed(pool: str) -> tuple[str, ...]:
    """Entries of a pool that are apart by semicolons or lines."""
    return tuple(entry.strip() for entry in pool.replace("\n", ";").split(";") if entry.strip())


class Draws(TextDraws):
    """Values by slot for one text. `pt`, `her` and `him` are patients, a text has one of them.

    Args:
        rng: Source of all choices.
    """

    roles: ClassVar[tuple[str, ...]] = (
        "pt", "her", "him", *RELATIVES, "friend", "doc", "docb", "docc", "rn", "rnb", "staff", "oth",
    )  # fmt: skip

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._town: tuple[str, str, str] | None = None
        self._last_names: dict[str, str] = {}

    def _person(self, role: str) -> Person:
        who = draw_person(self._rng, SEXES.get(role))
        if role in RELATIVES and self._rng.random() < SAME_LAST:
            patient = next((self._people[known] for known in ("pt", "her", "him") if known in self._people), None)
            return replace(who, last=patient.last) if patient else who
        return who

    def _name(self, role: str, form: str) -> tuple[str, list[Piece]]:
        if form not in ("nick", "quoted", "titled", "uppercomma", "full"):
            return super()._name(role, form)
        _, [(first, _)] = super()._name(role, "first")
        who = self._people[role]
        nick = names.NICKNAMES.get(first, first if len(first) < 5 else first[: self._rng.choice((3, 4))])
        text = {
            "nick": nick, "quoted": f'{first} "{nick}" {who.last}', "titled": f"{first[0]}. {who.middle}. {who.last}",
            "uppercomma": f"{who.last},{first}".upper(), "full": f"{first} {who.middle} {who.last}",
        }[form]  # fmt: skip
        return "name", [(text, True)]

    def _kinds(self) -> Kinds:
        return {
            "town": ("place", self._of_town), "zip": ("place", self._zip), "county": ("place", self._county),
            "abroad": ("place", lambda _: self._rng.choice(listed(places.FOREIGN))),
            "street": ("address", self._street),
            "facility": ("facility", lambda form: self._institution(places.FACILITIES, form)),
            "school": ("facility", lambda form: self._institution(places.SCHOOLS, form)),
            "employer": ("employer", lambda form: self._institution(places.EMPLOYERS, form)),
            "date": ("date", lambda form: self._any_date(form, 2019)), "dob": ("date", self._birth),
            "kiddob": ("date", lambda form: self._any_date(form, 2008, 2024)), "age": ("age", self._age),
            "phone": ("phone", self._phone), "fax": ("fax", self._phone), "email": ("email", self._email),
            "ssn": ("ssn", self._ssn), "record": ("record", self._record), "plan": ("plan", self._plan),
            "account": ("account", self._account), "licence": ("licence", self._licence),
            "vehicle": ("vehicle", self._vehicle), "device": ("device", self._device), "url": ("url", self._url),
            "ip": ("ip", self._ip), "social": ("social", self._social), "code": ("code", self._code),
        }  # fmt: skip

    def _birth(self, form: str) -> list[Piece]:
        return self._any_date(form, 1931, 2005)

    def _any_date(self, form: str, since: int, until: int = 2025) -> list[Piece]:
        rng = self._rng
        month, day, year = rng.randint(1, 12), rng.randint(1, 28), rng.randint(since, until)
        spanish = SPANISH_MONTHS.split()[month - 1]
        name = MONTHS.split()[month - 1]
        later = min(31 if month in (1, 3, 5, 7, 8, 10, 12) else 28, day + rng.randint(1, 3))
        forms: dict[str, list[Piece]] = {
            "es": [(f"{day} de {spanish}", True), (f" de {year}", False)],
            "saysp": [(f"{day} de {spanish}", True)],
            "range": [(f"{month}/{day}", True), ("-", False), (f"{month}/{later}", True)],
            "span": [(f"{name[:3]} {day}", True), (" to ", False), (f"{name[:3]} {later}", True), (f", {year}", False)],
            "dmslash": [(f"{day:02}/{month:02}", True), (f"/{year}", False)],
            "ymd": [(f"{year}/", False), (f"{month:02}/{day:02}", True)],
            "upper": [(f"{name} {day}".upper(), True), (f", {year}", False)],
            "lowmon": [(f"{name[:3]} {day}".lower(), True)],
            "six": [(f"{month:02}{day:02}", True), (f"{year % 100:02}", False)],
            "sayslash": [
                (f"{number_words(month)} slash {number_words(day)}", True),
                (f" slash {number_words(rng.randint(31, 99))}", False),
            ],
        }  # fmt: skip
        return forms[form] if form in forms else self._date(form, since, until)

    def _of_town(self, form: str) -> str | list[Piece]:
        town, state, start = self._rng.choice(listed(places.TOWNS)).split(",")
        self._town = (town, state, start)
        forms: dict[str, str | list[Piece]] = {
            "": town, "state": [(town, True), (f", {state}", False)],
            "upper": [(town.upper(), True), (f" {state}", False)],
            "say": town,
        }  # fmt: skip
        return forms[form]

    def _zip(self, form: str) -> str:
        start = self._town[2] if self._town else self._rng.choice(listed(places.TOWNS)).split(",")[2]
        digits = start + self._filled("##")
        forms = {"": digits, "plus": f"{digits}-{self._filled('####')}", "say": digit_words(digits, self._rng)}
        return forms[form]

    def _county(self, form: str) -> str:
        return f"{self._rng.choice(entries(places.COUNTIES))} {'Parish' if form == 'parish' else 'County'}"

    def _street(self, form: str) -> str:
        rng = self._rng
        name, kind = rng.choice(entries(places.STREETS)), rng.choice(entries(places.STREET_KINDS))
        if rng.random() < 0.1:
            name = rng.choice(entries(names.LAST))
        number = rng.choice((str(rng.randint(2, 99)), str(rng.randint(100, 999)), str(rng.randint(1000, 18999))))
        way = f"{rng.choice(('', '', '', 'N ', 'West ', 'SE ', 'S. '))}{name} {kind}"
        block = f"{rng.randint(1, 99)} hundred {rng.choice(entries(places.STREETS))} {rng.choice(('street', 'road'))}"
        forms = {
            "": f"{number} {way}", "way": f"{name} {kind}", "upper": f"{number} {way}".upper(), "say": block,
            "apt": f"{number} {way}{rng.choice((', Apt ', ' #', ' Unit ', ', Apt. ', ' Lot '))}{self._filled('#?')}",
            "po": f"{rng.choice(('PO Box', 'P.O. Box', 'P. O. Box'))} {rng.randint(12, 9800)}",
            "rural": f"{rng.choice(('RR', 'HC', 'Rural Route'))} {rng.randint(1, 9)} Box {rng.randint(3, 420)}",
            "hwy": f"{number} {rng.choice(('County Road', 'State Hwy', 'US Highway', 'FM'))} {rng.randint(2, 990)}",
            "es": f"{rng.choice(entries(places.SPANISH_STREETS))} {self._any('#', 'No.')}{rng.randint(3, 890)}",
            "corner": f"{name} and {rng.choice(entries(places.STREETS))}",
        }  # fmt: skip
        return forms[form]

    def _institution(self, pool: str, form: str) -> str:
        rng = self._rng
        text = rng.choice(listed(pool)).format(
            saint=rng.choice(entries(places.SAINTS)), given=rng.choice(entries(places.GIVEN)),
            town=rng.choice(listed(places.TOWNS)).split(",")[0], last=draw_person(rng).last,
            other=rng.choice(entries(names.LAST)),
        )  # fmt: skip
        return {"": text, "upper": text.upper()}[form]

    def _phone(self, form: str) -> str:
        area, tail = self._filled("###"), self._filled("##")
        area = str(200 + int(area) % 780)
        if area[1:] == "11":
            area = area[0] + "12"
        ten = f"{area}55501{tail}"
        forms = {
            "": f"{area}-555-01{tail}", "dots": f"{area}.555.01{tail}", "paren": f"({area}) 555-01{tail}",
            "tight": f"({area})555-01{tail}", "ten": ten, "seven": f"555-01{tail}", "plus": f"+1 {area} 555 01{tail}",
            "one": f"1-{area}-555-01{tail}", "blank": f"{area} 555 01{tail}", "slash": f"{area}/555-01{tail}",
            "ext": f"{area}-555-01{tail}{self._rng.choice((' x', ' ext. ', ' ext '))}{self._filled('###')}",
            "say": digit_words(ten, self._rng), "sayseven": digit_words(ten[3:], self._rng),
        }  # fmt: skip
        return forms[form]

    def _email(self, form: str) -> str:
        who = draw_person(self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        host = self._rng.choice(("mail.", "", "", "clinic.", "post."))
        domain = f"{host}example.{self._rng.choice(('com', 'org', 'net'))}"
        if form == "say":
            return f"{first} dot {last} at {domain.replace('.', ' dot ')}"
        local = self._rng.choice(
            (f"{first}.{last}", f"{first}_{last}{self._filled('##')}", f"{first[0]}{last}", f"{last}{first[0]}")
        )
        return {"": f"{local}@{domain}", "upper": f"{local}@{domain}".upper()}[form]

    def _ssn(self, form: str) -> str | list[Piece]:
        rng = self._rng
        area = rng.choice([number for number in range(100, 899) if number != 666])
        group, serial = f"{rng.randint(1, 99):02}", f"{rng.randint(1, 9999):04}"
        forms: dict[str, str | list[Piece]] = {
            "": f"{area}-{group}-{serial}", "blank": f"{area} {group} {serial}", "plain": f"{area}{group}{serial}",
            "last": serial, "masked": [("xxx-xx-", False), (serial, True)],
            "say": digit_words(f"{area}{group}{serial}", rng),
            "saylast": digit_words(serial, rng),
        }  # fmt: skip
        return forms[form]

    def _record(self, form: str) -> str:
        forms = {
            "": self._any(
                "#######", "########", "######", "###-##-##", "?######", "??-######", "E#######", "0000######"
            ),
            "digits": self._any("######", "#######", "########"), "say": digit_words(self._filled("######"), self._rng),
            "visit": self._any("V#########", "#########", "H0########", "##-######"),
        }  # fmt: skip
        return forms[form]

    def _plan(self, form: str) -> str:
        mbi = self._rng.choice("123456789")
        for sign in "?*#?*#??##":
            letter = "ACDEFGHJKMNPQRTUVWXY"
            mbi += self._rng.choice({"?": letter, "#": "0123456789", "*": letter + "0123456789"}[sign])
        forms = {
            "": self._any("???#########", "W#########", "##########", "?########01", "???###?#####", "#########A"),
            "mbi": mbi, "mbidash": f"{mbi[:4]}-{mbi[4:7]}-{mbi[7:]}",
            "group": self._any("######", "#####-##", "??####"),
            "medicaid": self._any("??#####?", "#########", "##########"),
            "say": digit_words(self._filled("?########"), self._rng).lower(),
        }  # fmt: skip
        return forms[form]

    def _account(self, form: str) -> str:
        card = self._any("4###############", "5##############")[:15]
        card += luhn(card)
        forms = {
            "": self._any("######-##", "#########", "A########", "####-######"),
            "card": " ".join(card[at : at + 4] for at in (0, 4, 8, 12)),
            "cardtight": card, "last": self._filled("####"),
            "claim": self._any("########??", "20########", "CLM-#######"),
            "bank": self._any("########", "##########"), "invoice": self._any("INV-######", "INV####-##", "#######"),
            "say": digit_words(self._filled("########"), self._rng),
        }  # fmt: skip
        return forms[form]

    def _licence(self, form: str) -> str:
        npi = "1" + self._filled("########")
        digits = self._filled("######")
        dea_check = (sum(map(int, digits[::2])) + 2 * sum(map(int, digits[1::2]))) % 10
        forms = {
            "npi": npi + luhn("80840" + npi), "dea": f"{self._any('B?', 'F?', 'M?')}{digits}{dea_check}",
            "driver": self._any("?#######", "########", "?###-####-####", "??######"),
            "state": self._any("RN######", "MD#####", "A#####", "PT-####", "??.#####"),
            "cert": self._any("###-##-######", "##-######"),
            "say": digit_words(self._filled("?#######"), self._rng).lower(),
        }  # fmt: skip
        return forms[form]

    def _vehicle(self, form: str) -> str:
        vin = self._filled("#***#***_########").replace("_", "0")
        vin = vin[:8].translate(str.maketrans("IOQ", "XXX")) + vin[8:]
        forms = {
            "": self._any("???-####", "??? ####", "#???###", "??##???", "###-???", "???#?##"),
            "vin": vin[:8] + vin_check(vin) + vin[9:], "say": digit_words(self._filled("???####"), self._rng).lower(),
        }  # fmt: skip
        return forms[form]

    def _device(self, form: str) -> str:
        udi = f"(01)00{self._filled('############')}(21){self._any('?######', '########')}"
        forms = {
            "": self._any("???######?", "SN########", "##?-#####", "?##########", "??#-####-##", "########"),
            "udi": udi,
            "imei": self._filled("35#############"),
            "mac": ":".join(f"{self._rng.randrange(256):02X}" for _ in range(6)),
            "say": digit_words(self._filled("??######"), self._rng).lower(),
        }  # fmt: skip
        return forms[form]

    def _url(self, form: str) -> str:
        who = letters(draw_person(self._rng).last).lower()
        host = f"{self._rng.choice(('www', 'portal', 'my', 'visit'))}.example.{self._rng.choice(('com', 'org', 'net'))}"
        token = self._filled("????####").lower()
        paths = (f"p/{token}", f"meet/{token}", f"family/{who}", f"u/{who}{token[4:6]}")
        forms = {
            "": f"https://{host}/{self._rng.choice(paths)}",
            "bare": f"{host}/{self._rng.choice((who, token))}",
            "query": f"http://{host}/view?pid={self._filled('######')}&t={token}",
        }  # fmt: skip
        return forms[form]

    def _ip(self, form: str) -> str:
        first, second, third = (self._rng.randrange(1, 16**4) for _ in range(3))
        forms = {
            "": f"{self._rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{self._rng.randint(1, 254)}",
            "six": f"2001:db8:{first:x}:{second:x}::{third:x}",
        }  # fmt: skip
        return forms[form]

    def _social(self, form: str) -> str:
        who = draw_person(self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        handle = self._rng.choice(
            (
                f"{first}_{last}",
                f"{first}.{last}{self._filled('##')}",
                f"the.real.{first}",
                f"{last}{first}{self._filled('##')}",
            )
        )
        return {"": f"@{handle}", "bare": handle, "say": f"{first} underscore {last}"}[form]

    def _code(self, form: str) -> str:
        forms = {
            "": self._any("S##-#####", "SP-##-######", "##-SUR-####", "C##-####", "BX######"),
            "study": self._any("##-###-###", "PT-####-??", "SUBJ-#####", "###?##"),
            "badge": self._any("#####", "?####"),
            "rx": self._any("#######", "#######-#####", "RX######"),
            "case": self._any("##-######", "CPS-#######", "####-??-####"),
            "lab": self._any("L########", "##-###-#####", "A##########"),
        }  # fmt: skip
        return forms[form]
