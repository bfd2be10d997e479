"""Mirrors come from apt's own answers, and nothing that weakens signatures is taken over."""

from __future__ import annotations

import pytest

from fleetctl.errors import ConfigError
from fleetctl.image import mirrors
from fleetctl.image.mirrors import Mirrors, parse_options, parse_targets, read_mirrors

TARGETS = """\
http://mirror.test/debian/|bookworm
http://mirror.test/debian/|bookworm-updates
http://mirror.test/security/|bookworm-security
http://mirror.test/debian/|bookworm-backports
http://other.test/|bookworm-extra
"""


def test_archive_and_security_of_the_own_release() -> None:
    assert parse_targets(TARGETS, "bookworm") == ("http://mirror.test/debian/", "http://mirror.test/security/")


def test_other_release_offers_nothing() -> None:
    assert parse_targets(TARGETS, "trixie") == (None, None)


def test_only_harmless_options_are_taken_over() -> None:
    dump = (
        'Acquire::http::Proxy "http://proxy.test:3142";\nAcquire::AllowInsecureRepositories "1";\n'
        'APT::Get::AllowUnauthenticated "1";\nAcquire::Check-Valid-Until "false";\nAcquire::https::Proxy "";\n'
    )
    assert parse_options(dump) == (
        ("Acquire::http::Proxy", "http://proxy.test:3142"),
        ("Acquire::Check-Valid-Until", "false"),
    )


def test_sources_are_signed_and_have_no_debug_archive() -> None:
    text = Mirrors("http://m/debian", "http://m/security").sources(("main", "non-free"))
    assert text.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg") == text.count("URIs:") == 2
    assert "URIs: http://m/security\nSuites: trixie-security\nComponents: main non-free\n" in text
    assert "debug" not in text
    assert "trusted" not in text.lower()


def test_machine_without_debian_archive_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "_ask", lambda *argv: "")
    with pytest.raises(ConfigError) as caught:
        read_mirrors({})
    assert "FLEETCTL_DEBIAN_MIRROR" in caught.value.hint


def test_environment_names_the_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "_ask", lambda *argv: "")
    named = {"FLEETCTL_DEBIAN_MIRROR": "http://a/", "FLEETCTL_DEBIAN_SECURITY_MIRROR": "http://b"}
    assert read_mirrors(named) == Mirrors("http://a", "http://b")
