"""The second unseen set of the de-identification benchmark: its spans are its values, its halves are apart."""

from __future__ import annotations

import random
import re
from collections import Counter
from types import ModuleType, SimpleNamespace

# Safe Harbor, 45 CFR 164.514(b)(2)(i), as the benchmark names its kinds; spoken forms are counted with their kind.
KINDS = {
    "name", "address", "place", "facility", "employer", "date", "age", "phone", "fax", "email", "ssn", "record", "plan",
    "account", "licence", "vehicle", "device", "url", "ip", "social", "code",
}  # fmt: skip
SPOKEN = KINDS - {"facility", "employer", "url", "ip", "code"}


def all_templates(second: ModuleType) -> list[tuple[str, str, str]]:
    return [(half, group, line) for half in "ab" for group, lines in second.templates(half).items() for line in lines]


def test_every_kind_occurs_in_each_half(parts: SimpleNamespace) -> None:
    for half in "ab":
        seen: Counter[str] = Counter()
        spoken: Counter[str] = Counter()
        for group in parts.second.second_cases(half, rounds=1, seed=1).values():
            for case in group:
                kinds = {kind for _, _, kind in case.identifiers}
                seen.update({kind.partition(" (")[0] for kind in kinds})
                spoken.update({kind.partition(" (")[0] for kind in kinds if kind.endswith("(spoken)")})
        assert set(seen) == KINDS
        assert min(seen.values()) >= 5
        assert set(spoken) == SPOKEN


def test_sizes_and_groups(parts: SimpleNamespace) -> None:
    sizes = Counter(group for _, group, _ in all_templates(parts.second))
    assert sizes["dialogues"] >= 45
    assert sizes["harmless"] >= 60
    assert sum(count for group, count in sizes.items() if group not in ("dialogues", "harmless")) >= 140
    groups = parts.second.second_cases("ab", rounds=1, seed=1)
    assert all(not case.identifiers and case.stays == ((0, len(case.text)),) for case in groups["harmless"])
    assert all(case.text == case.text.lower() for case in groups["dialogues"])
    assert all(case.identifiers for name in set(groups) - {"harmless"} for case in groups[name])


def test_halves_share_neither_templates_nor_pool_entries(parts: SimpleNamespace) -> None:
    lines = {half: {line for of, _, line in all_templates(parts.second) if of == half} for half in "ab"}
    assert not lines["a"] & lines["b"]
    pools = parts.second_pools
    several = [
        pools.COMMON_FIRST, pools.COMMON_LAST, pools.WORD_FIRST, pools.WORD_LAST, pools.TOWNS, pools.STREETS,
        *(pool for pair in pools.ORIGINS.values() for pool in pair),
    ]  # fmt: skip
    for pool in several:
        first, second = (set(parts.second_people.taken(pool, half)) for half in "ab")
        assert first
        assert second
        assert not first & second


def test_values_have_their_published_forms(parts: SimpleNamespace) -> None:
    draws = parts.second_values.Draws("a", random.Random(5))  # noqa: S311

    def drawn(slot: str) -> str:
        return "".join(text for text, _ in draws.value(slot)[1])

    assert parts.second_numbers.luhn("7992739871") == "3"  # the example of ISO/IEC 7812-1's algorithm
    for _ in range(200):
        npi, card, dea = drawn("licence.npi"), drawn("account.card").replace(" ", ""), drawn("licence.dea")
        assert re.fullmatch(r"1\d{9}", npi)
        assert parts.second_numbers.luhn("80840" + npi[:-1]) == npi[-1]
        assert parts.second_numbers.luhn(card[:-1]) == card[-1]
        digits = [int(sign) for sign in dea[2:]]
        assert (sum(digits[:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]
        assert re.fullmatch(r"\d{3}-\d\d-\d{4}", drawn("ssn"))
        assert not re.search(r"\D11\D", drawn("phone.seven")[1:4])
        assert int(drawn("age")) > 89
    for form in ("us", "us2", "iso", "dash", "dot", "long", "short", "dmy", "mil", "dmon", "month", "my", "eight"):
        _, pieces = draws.value(f"date.{form}")
        assert any(not part and re.search(r"\d\d", text) for text, part in pieces), form  # the year stays
        assert sum(part for _, part in pieces) == 1


def test_said_dates(parts: SimpleNamespace) -> None:
    draws = parts.second_values.Draws("b", random.Random(6))  # noqa: S311
    said = {draws.value("date.say")[1][0][0].partition(" ")[2] for _ in range(3000)}
    assert len(said) == 28
    assert {"first", "twelfth", "thirteenth", "twentieth", "twenty eighth"} <= said
