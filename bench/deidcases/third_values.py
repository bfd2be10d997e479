"""Values for the third set: its own names, places and numbers; dates, ages and roles as in the other written set."""

from __future__ import annotations

import random
from functools import cache

from deidcases import third_numbers as forms
from deidcases import third_places as places
from deidcases.draws import Kinds, Piece, TextDraws
from deidcases.second_numbers import digit_words, luhn, number_words
from deidcases.second_people import Person, letters
from deidcases.third_people import draw_person

_SEX = {"her": 0, "relf": 0, "him": 1, "relm": 1}
_SAME_LAST_NAME = 0.6
"""Share of relatives who bear the patient's last name."""


@cache
def listed(pool: str) -> tuple[str, ...]:
    """The entries of a pool of places or numbers, which stand between bars and line ends."""
    return tuple(part.strip() for line in pool.splitlines() for part in line.split("|"))


class Draws(TextDraws):
    """The values of one text of the third set: `her`, `him`, `pt` are patients, `rel` relatives, the rest staff."""

    roles = ("pt", "her", "him", "rel", "relf", "relm", "doc", "doc2", "rn", "x")

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._zip_start = f"{rng.randint(10, 995):03}"

    def _person(self, role: str) -> Person:
        who = draw_person(self._rng, _SEX.get(role))
        patient = next((self._people[other] for other in ("pt", "her", "him") if other in self._people), None)
        if role.startswith("rel") and patient and self._rng.random() < _SAME_LAST_NAME:
            return Person(who.first, who.middle, patient.last, "")
        return who

    def _kinds(self) -> Kinds:
        return {
            "date": ("date", lambda form: self._date(form, 2023)),
            "dob": ("date", lambda form: self._date(form, 1936, 2019)), "holiday": ("date", self._holiday),
            "age": ("age", self._age), "street": ("address", self._street), "unit": ("address", self._unit),
            "town": ("place", self._town), "zip": ("place", self._zip), "fac": ("facility", self._facility),
            "emp": ("employer", lambda _: self._place(places.EMPLOYERS)), "phone": ("phone", self._phone),
            "fax": ("fax", self._phone), "email": ("email", self._email), "url": ("url", self._url),
            "ip": ("ip", self._ip), "ssn": ("ssn", self._ssn), "record": ("record", self._record),
            "plan": ("plan", self._plan), "account": ("account", self._account),
            "licence": ("licence", self._licence), "device": ("device", self._device),
            "vehicle": ("vehicle", self._vehicle), "social": ("social", self._social), "code": ("code", self._code),
        }  # fmt: skip

    def _one(self, pool: str) -> str:
        return self._rng.choice(listed(pool))

    def _numbered(self, pool: str) -> str:
        return self._filled(self._one(pool))

    def _place(self, pool: str) -> str:
        return self._one(pool).format(
            town=self._one(places.TOWNS).split(",")[0], saint=self._one(places.SAINTS),
            namesake=self._one(places.NAMESAKES), street=self._one(places.STREETS),
        )  # fmt: skip

    def _holiday(self, _form: str) -> list[Piece]:
        name = self._one(places.HOLIDAYS)
        bare = name.removeprefix("the ")
        return [(name[: len(name) - len(bare)], False), (bare, True)]

    def _street(self, form: str) -> str:
        rng, name = self._rng, self._one(places.STREETS)
        whole, short = self._one(places.STREET_KINDS).split(",")
        house = rng.choice(
            (rng.randint(1, 99), rng.randint(100, 999), rng.randint(1000, 9999), rng.randint(10000, 28000))
        )
        if form == "say":
            return f"{number_words(rng.randint(11, 98))} {number_words(rng.randint(11, 98))} {name} {whole}"
        if form == "name":
            return f"{name} {whole}"
        if form == "box":
            return f"{rng.choice(('PO Box', 'P.O. Box', 'Box'))} {rng.randint(11, 9899)}"
        if form == "rural":
            return self._any(
                "RR # Box ###", "County Road ###", "##### State Route ##", "##### Highway ##", "N#### County Road ?"
            )
        way = rng.choice(("", "", "", "", "N ", "S ", "West ", "E. ", "NE ", "SW "))
        if rng.random() < 0.15:
            number = rng.choice((f"{rng.randint(4, 20)}th", f"{rng.randint(2, 9)}1st", f"{rng.randint(2, 9)}2nd"))
            name = number
        line = f"{house} {way}{name} {rng.choice((whole, short))}"
        return line.upper() if form == "caps" else line

    def _unit(self, _form: str) -> str:
        return self._any(
            "Apt 1#", "Apt 2#?", "Unit ###", "#?", "Apt. 3", "Suite ###", "Rm ###", "Lot #", "Apartment 4#"
        )

    def _town(self, form: str) -> str | list[Piece]:
        town, state, self._zip_start = self._one(places.TOWNS).split(",")
        if form == "state":
            return [(town, True), (f", {state}", False)]
        if form == "long":
            names = dict(line.split(" ", 1) for line in listed(places.STATES))
            return [(town, True), (f", {names[state]}", False)]
        if form == "caps":
            return [(town.upper(), True), (f" {state}", False)]
        return {"": town, "say": town, "county": f"{town} County"}[form]

    def _zip(self, form: str) -> str:
        digits = self._zip_start + self._filled("##")
        return {"": digits, "four": f"{digits}-{self._filled('####')}", "say": digit_words(digits, self._rng)}[form]

    def _facility(self, form: str) -> str:
        pools = {
            "": places.HOSPITALS, "caps": places.HOSPITALS, "clinic": places.CLINICS, "care": places.CARE,
            "pharmacy": places.PHARMACIES, "school": places.SCHOOLS,
        }  # fmt: skip
        if form == "short":
            return self._place("{town} General|{namesake} Memorial|St. {saint}'s|{town} Regional|{namesake} House")
        name = self._place(pools[form])
        return name.upper() if form == "caps" else name

    def _phone(self, form: str) -> str:
        rng = self._rng
        area = rng.choice(places.AREA_CODES.split())
        exchange = self._any("2#4", "3#2", "4#7", "5#3", "6#8", "7#0", "8#5", "9#6")
        line = self._filled("####")
        if form == "seven":
            return f"{exchange}-{line}"
        if form == "sayseven":
            return digit_words(exchange + line, rng)
        if form == "say":
            return rng.choice(
                (
                    digit_words(area + exchange + line, rng),
                    f"{digit_words(area, rng)} {digit_words(exchange, rng)} {digit_words(line, rng)}",
                    f"{digit_words(area, rng)} {digit_words(exchange, rng)} "
                    f"{number_words(rng.randint(11, 99))} {number_words(rng.randint(10, 99))}",
                )
            )
        common = f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}"
        other = (
            f"{area}.{exchange}.{line}", f"{area} {exchange} {line}", f"{area}{exchange}{line}",
            f"1-{area}-{exchange}-{line}", f"+1 ({area}) {exchange}-{line}", f"({area}){exchange}-{line}",
            f"{area} {exchange}-{line}", f"{area}-{exchange}-{line} x{rng.randint(2, 899)}",
        )  # fmt: skip
        return rng.choice(common if rng.random() < 0.5 else other)

    def _email(self, form: str) -> str:
        rng, who, host = self._rng, draw_person(self._rng), self._one(places.MAIL_HOSTS)
        first, last, number = letters(who.first).lower(), letters(who.last).lower(), rng.randint(10, 99)
        if form == "say":
            name = rng.choice(
                (f"{first} dot {last}", f"{first[0]} {last}", f"{first} {last} {number_words(number)}",
                 f"{last} {digit_words(str(number), rng)}")
            )  # fmt: skip
            return f"{name} at {host.replace('.', ' dot ')}"
        names = f"{first}.{last}", f"{first[0]}{last}", f"{first}{last}{number}", f"{last}.{first}", f"{first}_{number}"
        return f"{rng.choice(names)}@{host}"

    def _url(self, _form: str) -> str:
        rng, who = self._rng, draw_person(self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        return rng.choice(
            (
                f"https://mychart.{last}clinic.example.org/MyChart/r/{self._filled('########')}",
                f"https://www.example.com/fundraiser/{first}-{last}-recovery", f"www.{last}photography.example.com",
                f"http://www.example.net/~{first[0]}{last}/", f"https://share.example.com/d/{self._filled('***?#*')}",
                f"https://visit.example.org/join/{first}{last}{self._filled('##')}",
            )
        )  # fmt: skip

    def _ip(self, _form: str) -> str:
        rng, host = self._rng, self._rng.randint(1, 254)
        nets = (
            f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
            f"192.168.{rng.randint(0, 20)}",
            "203.0.113",
            "198.51.100",
        )
        if rng.random() < 0.15:  # documentation ranges, RFC 3849 and RFC 5737, and private ones, RFC 1918
            return f"2001:db8:{rng.randrange(1, 4096):x}::{host:x}"
        return f"{rng.choice(nets)}.{host}"

    def _ssn(self, form: str) -> str:
        area = self._rng.choice((self._rng.randint(1, 665), self._rng.randint(667, 772)))
        parts = f"{area:03}", f"{self._rng.randint(1, 99):02}", f"{self._rng.randint(1, 9999):04}"
        if form.startswith("say"):
            return digit_words(parts[2] if form == "saylast" else "".join(parts), self._rng)
        return {"": "-".join(parts), "sp": " ".join(parts), "run": "".join(parts), "last": parts[2]}[form]

    def _record(self, form: str) -> str:
        if form == "say":
            return digit_words(self._numbered("######|#######|00######|########"), self._rng)
        pools = {
            "": forms.RECORD,
            "enc": forms.ENCOUNTER,
            "acc": forms.ACCESSION,
            "path": forms.SPECIMEN,
            "rx": forms.PRESCRIPTION,
        }
        return self._numbered(pools[form])

    def _plan(self, form: str) -> str:
        if form == "say":
            return digit_words(self._numbered("W#########|#########|XYA#########"), self._rng).lower()
        if form == "mbi":  # 1 digit, letter, either, digit, letter, either, digit, two letters, two digits
            rng, sign = self._rng, lambda: self._rng.choice(forms.MBI_LETTERS)
            either = [rng.choice(forms.MBI_LETTERS + "0123456789") for _ in range(2)]
            parts = (
                f"{rng.randint(1, 9)}{sign()}{either[0]}{rng.randint(0, 9)}",
                f"{sign()}{either[1]}{rng.randint(0, 9)}",
            )
            return rng.choice(("-", "-", "")).join((*parts, f"{sign()}{sign()}{self._filled('##')}"))
        return self._numbered({"": forms.PLAN, "group": forms.GROUP, "medicaid": forms.MEDICAID}[form])

    def _account(self, form: str) -> str:
        if form == "say":
            return digit_words(self._numbered("#######|########"), self._rng)
        if form == "card":
            body = self._filled(self._rng.choice(("4##############", "52#############", "6011###########")))
            card = body + luhn(body)
            return self._rng.choice(("-", " ", "")).join(card[at : at + 4] for at in range(0, 16, 4))
        return self._numbered({"": forms.ACCOUNT, "bank": forms.BANK, "claim": forms.CLAIM}[form])

    def _licence(self, form: str) -> str:
        if form == "say":
            return digit_words(self._numbered("1#########|D#######"), self._rng).lower()
        if form == "npi":
            body = self._filled("1########")
            return body + luhn("80840" + body)  # CMS, NPI check digit
        if form == "dea":  # DEA, check digit of registration numbers
            digits = self._filled("######")
            check = sum(map(int, digits[::2])) + 2 * sum(map(int, digits[1::2]))
            return self._any("A?", "B?", "F?", "M?") + digits + str(check % 10)
        pools = {"": forms.DOCTOR, "nurse": forms.NURSE, "driver": forms.DRIVER, "passport": forms.PASSPORT}
        return self._numbered(pools[form])

    def _device(self, form: str) -> str:
        if form == "say":
            return digit_words(self._numbered("PZM######|#######|NG######"), self._rng).lower()
        return self._numbered({"": forms.SERIAL, "udi": forms.UDI, "mac": forms.MAC}[form])

    def _vehicle(self, form: str) -> str:
        if form == "vin":
            start = self._numbered("1FT|2T1|3VW|5NP|1G1|4S3|JN8|WBA")
            vin = f"{start}{self._filled('*****')}0{self._filled('*?######')}"
            return vin[:8] + forms.vin_check(vin) + vin[9:]
        if form == "say":
            return digit_words(self._numbered("???####|#???###"), self._rng).lower()
        return self._numbered(forms.PLATE)

    def _social(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._rng)
        first, last, number = letters(who.first).lower(), letters(who.last).lower(), rng.randint(10, 99)
        if form == "say":
            return rng.choice(
                (f"{first} dot {last}", f"{first} underscore {last}", f"{first}{last} {number_words(number)}")
            )
        name = rng.choice(
            (f"{first}.{last}", f"{first}_{last}{number}", f"{last}{first[0]}{number}", f"its{first}{number}")
        )
        return name if form == "bare" else f"@{name}"

    def _code(self, form: str) -> str:
        pools = {"": forms.CASE, "study": forms.STUDY, "badge": forms.BADGE}
        return self._numbered(pools[form])
