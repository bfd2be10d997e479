"""Values for the sixth set: its own names, places and forms; check digits and roles as in the third."""

from __future__ import annotations

from collections.abc import Callable

from deidcases import sixth_names as names
from deidcases import sixth_places as places
from deidcases import third_values
from deidcases.draws import Kinds, Piece
from deidcases.second_numbers import digit_words, number_words
from deidcases.second_people import Person, letters
from deidcases.sixth_people import FEMALE, MALE, draw_person, entries
from deidcases.third_values import listed

_WOMEN, _MEN = ("her", "mom", "wife", "dau", "sis"), ("him", "dad", "husb", "son", "bro")
_PATIENTS = ("pt", "her", "him")
_FAMILY = ("mom", "dad", "wife", "husb", "son", "dau", "sis", "bro")
SAME_LAST = 0.65
"""Share of relatives who bear the patient's last name."""
_WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun"


class Draws(third_values.Draws):
    """The values of one text of the sixth set: patients, family, `frd` a friend, the rest staff."""

    roles = (*_PATIENTS, *_FAMILY, "frd", "doc", "docb", "rn", "stf")

    def _person(self, role: str) -> Person:
        who = draw_person(self._rng, FEMALE if role in _WOMEN else MALE if role in _MEN else None)
        patient = next((self._people[other] for other in _PATIENTS if other in self._people), None)
        if role in _FAMILY and patient and self._rng.random() < SAME_LAST:
            return Person(who.first, who.middle, patient.last, "")
        return who

    def _name(self, role: str, form: str) -> tuple[str, list[Piece]]:
        _, drawn = super()._name(role, "")  # whoever has the role, drawn once
        who = self._people[role]
        nick = self._rng.choice(entries(names.NICKNAMES))
        own: dict[str, Callable[[], str]] = {
            "nick": lambda: nick, "quoted": lambda: f'{who.first} "{nick}" {who.last}',
            "packed": lambda: f"{who.last},{who.first}".upper(), "upperlast": lambda: who.last.upper(),
            "three": lambda: f"{who.first[0]}{who.middle}{who.last[0]}".upper(),
            "dotted": lambda: f"{letters(who.first)}.{letters(who.last)}".lower(),
            "lastin": lambda: f"{who.last}, {who.first[0]}.", "lowfirst": lambda: who.first.lower(),
        }  # fmt: skip
        if form in own:
            return "name", [(own[form](), True)]
        return ("name", drawn) if not form else super()._name(role, form)

    def _kinds(self) -> Kinds:
        return super()._kinds() | {
            "date": ("date", lambda form: self._day(form, 2022)),
            "dob": ("date", lambda form: self._day(form, 1938, 2004)),
            "kid": ("date", lambda form: self._day(form, 2010, 2021)),
            "mark": ("place", lambda _: self._without_the(places.LANDMARKS)),
            "hood": ("place", lambda _: self._without_the(places.HOODS)),
            "emp": ("employer", self._employer), "ip": ("ip", self._ip),
        }  # fmt: skip

    def _place(self, pool: str) -> str:
        return self._one(pool).format(
            town=self._one(places.TOWNS).split(",")[0], saint=f"St. {self._one(places.SAINTS)}",
            namesake=self._one(places.NAMESAKES), street=self._one(places.STREETS),
        )  # fmt: skip

    def _without_the(self, pool: str) -> list[Piece]:
        name = self._one(pool)
        bare = name.removeprefix("the ")
        return [(name[: len(name) - len(bare)], False), (bare, True)]

    def _holiday(self, _form: str) -> list[Piece]:
        return self._without_the(places.HOLIDAYS)

    def _day(self, form: str, since: int, until: int = 2025) -> list[Piece]:
        rng = self._rng
        month, day, year = rng.randint(1, 12), rng.randint(1, 24), rng.randint(since, until)
        later = day + rng.randint(1, 4)
        name = self._date("monthonly", since)[0][0]
        own: dict[str, list[Piece]] = {
            "range": [(f"{month}/{day}", True), ("-", False), (f"{month}/{later}", True)],
            "to": [(f"{name} {day}", True), (" to ", False), (f"{later}", True)],
            "weekday": [(f"{rng.choice(_WEEKDAYS.split())} ", False), (f"{month}/{day}", True)],
            "ymd": [(f"{year}/", False), (f"{month:02}/{day:02}", True)],
            "eu": [(f"{day:02}/{month:02}", True), (f"/{year}", False)],
            "stamp": [(f"{year}-", False), (f"{month:02}-{day:02}", True), (f"T{day % 14 + 10}:{day + 10}", False)],
            "apos": [(name[:3], True), (f" '{year % 100:02}", False)],
            "glued": [(f"{day:02}{name[:3].lower()}", True), (f"{year % 100:02}", False)],
            "upper": [(f"{name} {day}".upper(), True), (f", {year}", False)],
            "sayoh": [(f"{number_words(month)} {number_words(day)}", True)],
        }  # fmt: skip
        return own[form] if form in own else self._date(form, since, until)

    def _age(self, form: str) -> str:
        years = int(super()._age(""))
        over = "one hundred" + (f" {number_words(years - 100)}" if years > 100 else "")
        words = number_words(years) if years < 100 else over
        tail = {1: "st", 2: "nd", 3: "rd"}.get(years % 10, "th")
        forms = {"": str(years), "say": words, "hyphen": words.replace(" ", "-"), "ord": f"{years}{tail}"}
        return forms[form]

    def _street(self, form: str) -> str:
        rng, name = self._rng, self._one(places.STREETS)
        whole, short = self._one(places.STREET_KINDS).split(",")
        house = rng.choice((rng.randint(2, 99), rng.randint(100, 999), rng.randint(1000, 9999)))
        forms: dict[str, Callable[[], str]] = {
            "": lambda: f"{house} {rng.choice(('', '', '', 'N ', 'SW ', 'East '))}{name} {rng.choice((whole, short))}",
            "caps": lambda: f"{house} {name} {short}".upper(), "name": lambda: f"{name} {whole}",
            "say": lambda: f"{number_words(rng.randint(11, 98))} {number_words(rng.randint(11, 98))} {name} {whole}",
            "box": lambda: rng.choice(("PO Box", "P.O. Box", "P O Box")) + f" {rng.randint(11, 9899)}",
            "rural": lambda: self._any(*listed(places.RURAL)),
            "cross": lambda: f"{name} and {rng.randint(4, 20)}th",
        }  # fmt: skip
        return forms[form]()

    def _unit(self, _form: str) -> str:
        return self._any(*listed(places.UNITS))

    def _town(self, form: str) -> str | list[Piece]:
        town, state, self._zip_start = self._one(places.TOWNS).split(",")
        if form == "state":
            return [(town, True), (f", {state}", False)]
        if form == "caps":
            return [(town.upper(), True), (f" {state}", False)]
        return {"": town, "say": town, "county": f"{self._one(places.COUNTIES)} County"}[form]

    def _facility(self, form: str) -> str:
        pools = {
            "": places.HOSPITALS, "caps": places.HOSPITALS, "clinic": places.CLINICS, "care": places.CARE,
            "pharmacy": places.PHARMACIES, "short": places.SHORT,
        }  # fmt: skip
        name = self._place(pools[form])
        return name.upper() if form == "caps" else name

    def _employer(self, form: str) -> str:
        pools = {
            "": places.EMPLOYERS, "school": places.SCHOOLS, "grade": places.GRADE_SCHOOLS, "church": places.CHURCHES,
        }  # fmt: skip
        return self._place(pools[form])

    def _phone(self, form: str) -> str:
        """A telephone number of the range reserved for fiction, 555-0100 to 555-0199."""
        rng = self._rng
        area, line = rng.choice(places.AREA_CODES.split()), f"01{rng.randint(0, 99):02}"
        forms = {
            "paren": f"({area}) 555-{line}", "dash": f"{area}-555-{line}", "dots": f"{area}.555.{line}",
            "ten": f"{area}555{line}", "blank": f"{area} 555 {line}", "plus": f"+1 {area} 555 {line}",
            "one": f"1-{area}-555-{line}", "tight": f"({area})555-{line}", "slash": f"{area}/555-{line}",
            "ext": f"{area}-555-{line} x{rng.randint(11, 899)}", "seven": f"555-{line}",
            "say": rng.choice(
                (
                    digit_words(f"{area}555{line}", rng),
                    f"{digit_words(area, rng)} five five five {digit_words(line, rng)}",
                    f"{digit_words(area, rng)} triple five {digit_words(line, rng)}",
                    f"{digit_words(area, rng)} five fifty five oh one {number_words(rng.randint(10, 99))}",
                )
            ),
            "sayseven": f"five five five {digit_words(line, rng)}",
        }  # fmt: skip
        return forms[form or rng.choice(("paren", "dash", "dots", "ten", "blank", "plus", "one", "tight", "slash"))]

    def _email(self, form: str) -> str:
        rng, who, host = self._rng, draw_person(self._rng), self._one(places.MAIL_HOSTS)
        first, last, number = letters(who.first).lower(), letters(who.last).lower(), rng.randint(10, 99)
        if form == "say":
            name = rng.choice((f"{first} dot {last}", f"{last} {number_words(number)}", f"{first} underscore {last}"))
            return f"{name} at {host.replace('.', ' dot ')}"
        own = rng.choice((f"{first}.{last}", f"{last}{first[0]}{number}", f"{first}-{last}", f"{first[0]}.{last}"))
        mail = f"{own}@{host}"
        return {"": mail, "upper": mail.upper()}[form]

    def _url(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._rng)
        first, last = letters(who.first).lower(), letters(who.last).lower()
        if form == "say":
            return rng.choice((f"{first} {last} dot example dot com", f"www dot example dot org slash {last} family"))
        return rng.choice(
            (
                f"https://portal.example.org/patients/{self._filled('#######')}", f"www.{last}-roofing.example.com",
                f"https://{first}{last}.example.net/blog", f"example.com/u/{first}.{last}",
                f"http://images.example.org/viewer?study={self._filled('######')}",
                f"https://video.example.com/{first}-{last}",
            )
        )  # fmt: skip

    def _ip(self, form: str) -> str:
        """An address of the ranges for documentation, RFC 5737 and RFC 3849."""
        rng = self._rng
        four = f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}"
        six = f"2001:db8:{rng.randrange(1, 4096):x}::{rng.randrange(1, 4096):x}"
        said = " dot ".join(digit_words(part, rng) for part in four.split("."))
        return {"": four, "six": six, "say": said, "port": f"{four}:{rng.randint(8000, 9000)}"}[form]

    def _record(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("######", "#######", "00######"), self._rng)
        return self._numbered(
            {"": places.RECORD, "enc": places.ENCOUNTER, "acc": places.ACCESSION, "path": places.SPECIMEN,
             "rx": places.PRESCRIPTION}[form]
        )  # fmt: skip

    def _plan(self, form: str) -> str:
        pools = {"": places.PLAN, "group": places.GROUP, "medicaid": places.MEDICAID}
        return self._numbered(pools[form]) if form in pools else super()._plan(form)

    def _account(self, form: str) -> str:
        pools = {"": places.ACCOUNT, "bank": places.BANK, "claim": places.CLAIM}
        return self._numbered(pools[form]) if form in pools else super()._account(form)

    def _licence(self, form: str) -> str:
        pools = {"": places.DOCTOR, "nurse": places.NURSE, "driver": places.DRIVER, "passport": places.PASSPORT}
        return self._numbered(pools[form]) if form in pools else super()._licence(form)

    def _device(self, form: str) -> str:
        if form == "mac":  # the range for documentation, RFC 7042
            part = self._rng.choice((":", "-"))
            return part.join(("00", "00", "5E", "00", "53", f"{self._rng.randrange(256):02X}"))
        pools = {"": places.SERIAL, "udi": places.UDI}
        return self._numbered(pools[form]) if form in pools else super()._device(form)

    def _vehicle(self, form: str) -> str:
        return super()._vehicle(form) if form else self._numbered(places.PLATE)

    def _social(self, form: str) -> str:
        rng, who = self._rng, draw_person(self._rng)
        first, last, number = letters(who.first).lower(), letters(who.last).lower(), rng.randint(10, 99)
        if form == "say":
            return rng.choice(
                (f"{first} underscore {last}", f"the real {first} {number_words(number)}", f"{first} dot {last}")
            )
        name = rng.choice(
            (f"{first}_{last}", f"{first}{last}{number}", f"mrs.{last}", f"_{first}.{number}", f"{last}crew")
        )
        return {"": f"@{name}", "bare": name}[form]

    def _code(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("#####", "####", "??###"), self._rng).lower()
        return self._numbered(
            {"": places.CASE, "court": places.COURT, "study": places.STUDY, "badge": places.BADGE}[form]
        )
