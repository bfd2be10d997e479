"""What the YAML reader takes and what it refuses."""

from __future__ import annotations

import pytest

from fleetctl.models.yamlnodes import YamlProblem, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),  # YAML 1.1 reads a number in base 60
        ("no", "no"),
        ("on", "on"),
        ("0123", "0123"),  # a serial, not octal 83
        ("2026-01-01", "2026-01-01"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("'12'", "12"),
        ("1e3x", "1e3x"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert parse(f"a: {text}").data == {"a": value}
    assert type(parse(f"a: {text}").data["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice (first on line 1)"),
        ("a: &x [1]\nb: *x\n", 1, "anchors"),
        ("a: 1\nb: !!python/object/apply:os.system [true]\n", 2, "tags"),
        ("a: !!str 1\n", 1, "tags"),
        ("a: 1\n  b: 2\n", 2, "mapping values"),
        ("1: a\n", 1, "a key must be text"),
        ("a: " + "[" * 30 + "]" * 30, 1, "nested deeper"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: " + "1" * 5000, 1, "number too long"),
        ("a: \x07\n", 1, "special characters"),
    ],
)
def test_ambiguous_or_dangerous_text_is_refused(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        parse(text)
    assert words in caught.value.message
    assert caught.value.line == line


def test_alias_bomb_costs_nothing() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(YamlProblem, match="anchors"):
        parse(f"l0: &l0 [x, x]\n{levels}\n")


def test_every_key_has_its_line() -> None:
    located = parse("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")
    assert located.line(("a", "b")) == 2
    assert located.line(("a", "c", 1, "y")) == 5
    assert located.line(("a", "c", 1, "missing", "deeper")) == 5
