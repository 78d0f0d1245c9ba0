"""Codes that no source alone can show: their sessions are typed in an empty folder that holds the examples."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from consoles import commands, here

from lpuasm.isa.errors import Entry, catalogue, is_session

ROOT = Path(__file__).parent.parent
SESSIONS = [e for e in catalogue().values() if is_session(e.bad) or is_session(e.good)]
#: Codes without a session of their own, and why.
NOT_ON_PURPOSE = {
    "LPU0991": "it takes a signal at the right moment; tests/cli/test_frame.py sends one",
    "LPU0999": "a fault of lpuasm: no input is known that causes one; tests/cli/test_run.py makes one",
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[int, str]]:
    """The exit status of a session and what it prints; the same session is typed once."""

    @cache
    def type_(session: str) -> tuple[int, str]:
        place = tmp_path_factory.mktemp("session")
        (place / "examples").symlink_to(ROOT / "examples")
        answers = [here(command, place) for command, _ in commands(session)]
        return answers[-1][0], b"".join(said for _, said in answers).decode()

    return type_


@pytest.mark.parametrize("entry", [e for e in SESSIONS if is_session(e.bad)], ids=lambda e: e.code)
def test_a_bad_session_gives_its_code(entry: Entry, typed: Callable[[str], tuple[int, str]]) -> None:
    status, said = typed(entry.bad)
    assert re.search(rf"\b(error|warning)\[{entry.code}\]", said) and status != 0, said


@pytest.mark.parametrize("entry", [e for e in SESSIONS if is_session(e.good)], ids=lambda e: e.code)
def test_a_good_session_gives_none(entry: Entry, typed: Callable[[str], tuple[int, str]]) -> None:
    status, said = typed(entry.good)
    assert "[LPU" not in said and status == 0, said


def test_a_session_is_commands_only() -> None:
    for entry in SESSIONS:
        for example in filter(is_session, (entry.bad, entry.good)):
            assert all(line.startswith(("$ ", "> ")) for line in example.splitlines()), entry.code


def test_every_code_that_no_source_shows_has_a_session_or_a_reason() -> None:
    sourceless = re.compile(r"LPU(0510|055|060[1-7]|07|08|09|12|13)")
    wanted = {code for code in catalogue() if sourceless.match(code)}
    shown = {e.code for e in SESSIONS if is_session(e.bad) and is_session(e.good)}
    assert wanted - shown == set(NOT_ON_PURPOSE)
