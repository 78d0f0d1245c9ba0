"""Every code of the catalogue: its bad example gives it, its good one does not, and the printed page is not stale."""

from __future__ import annotations

import re

import pytest

from lpuasm.asm.build import assemble
from lpuasm.asm.catalogue import FILE, SUBJECTS, page
from lpuasm.asm.explain import explain
from lpuasm.isa.errors import Entry, LpuError, catalogue, is_session

ENTRIES = catalogue().values()
#: Classes of which assembling a source says what is wrong; test_catalogue_commands.py types the sessions among them.
SOURCES = [e for e in ENTRIES if e.code[3:5] in ("01", "02", "03", "04", "10", "11")]


def said(text: str) -> list[str]:
    """The codes that a source gives when it is assembled, or explained."""
    try:
        explain(assemble(text))
    except LpuError as e:
        return [d.code for d in e.diagnostics]
    return []


@pytest.mark.parametrize("entry", [e for e in SOURCES if not is_session(e.bad)], ids=lambda e: e.code)
def test_a_bad_example_gives_its_code(entry: Entry) -> None:
    assert entry.code in said(entry.bad)


@pytest.mark.parametrize("entry", [e for e in SOURCES if not is_session(e.good)], ids=lambda e: e.code)
def test_a_good_example_does_not(entry: Entry) -> None:
    assert entry.code not in said(entry.good)


def test_every_code_of_a_source_has_an_example_and_its_repair() -> None:
    assert [e.code for e in SOURCES if not (e.bad and e.good)] == []


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.code[3:5] == "11"], ids=lambda e: e.code)
def test_a_repaired_flow_is_legal(entry: Entry) -> None:
    assert said(entry.good) == []


def test_the_page_is_not_stale_and_has_every_code() -> None:
    text = FILE.read_text("utf-8")
    assert text == page(), "run: python -m lpuasm.asm.catalogue"
    assert re.findall(r"^### (LPU\d{4})", text, re.MULTILINE) == sorted(catalogue())
    assert {code[3:5] for code in catalogue()} <= set(SUBJECTS)
