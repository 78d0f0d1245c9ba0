"""What the back end says, compared whole with golden files; and that every code says what its example shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import GOLDEN

from lpuasm.asm.build import assemble
from lpuasm.asm.render import render
from lpuasm.isa.errors import AssemblyError, Entry, LpuError, catalogue, is_session

SOURCES = sorted((GOLDEN / "diagnostics").glob("*.s"))
CODES = [e for e in catalogue().values() if e.code[3:5] in ("03", "04", "05")]


@pytest.mark.parametrize("name", [path.name for path in SOURCES])
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    text = (GOLDEN / "diagnostics" / name).read_text("utf-8")
    sources: dict[str, str] = {}
    with pytest.raises(AssemblyError) as caught:
        assemble(text, name, sources=sources)
    golden(f"diagnostics/{name.removesuffix('.s')}.txt", render(caught.value.diagnostics, sources))


def codes(text: str) -> set[str]:
    try:
        assemble(text)
    except LpuError as e:
        return {d.code for d in e.diagnostics}
    return set()


@pytest.mark.parametrize("entry", [e for e in CODES if e.bad and not is_session(e.bad)], ids=lambda e: e.code)
def test_the_bad_example_of_a_code_has_that_error(entry: Entry) -> None:
    assert entry.code in codes(entry.bad)


@pytest.mark.parametrize("entry", [e for e in CODES if e.good and not is_session(e.good)], ids=lambda e: e.code)
def test_the_good_example_of_a_code_has_it_not(entry: Entry) -> None:
    found = codes(entry.good)
    assert entry.code not in found
    assert all(code.startswith("LPU03") for code in found), "nothing but values that nobody drives"
