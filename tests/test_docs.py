"""The pages of the documentation say what is so: every block of assembly is legal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lpuasm.asm.build import assemble
from lpuasm.isa.core import table
from lpuasm.isa.legality import verdict

DOCS = Path(__file__).parents[1] / "docs"
LANGUAGE = (DOCS / "language.md").read_text("utf-8")
BLOCKS = re.findall(r"```asm\n(.*?)```", LANGUAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_language_page_is_legal(number: int) -> None:
    program = assemble(BLOCKS[number], f"block{number}.s")
    assert program.flows
    assert verdict(program) == ()


def test_the_language_page_names_every_instruction_that_flows_place() -> None:
    names = {d.mnemonic for d in table() if d.unit not in ("seq", "vxm")} - {"repeat", "transmit"}
    missing = [name for name in sorted(names) if not re.search(rf"\b{name}\b", LANGUAGE)]
    assert not missing


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([\w./-]+\.md)\)", page.read_text("utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
