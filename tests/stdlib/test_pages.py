"""The pages of the kernels say what sources, contracts and the table of cycles say; none is assembled for it."""

from __future__ import annotations

import re
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from lpuasm import stdlib

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "kernels"
CYCLES: dict[str, dict[str, int]] = tomllib.loads((ROOT / "tests/stdlib/cycles.toml").read_text("utf-8"))
AGAIN = "`python bench/kernels.py --pages {}` writes it anew"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = spec_from_file_location("bench_kernels", ROOT / "bench" / "kernels.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(CYCLES))
def test_page(name: str, bench: ModuleType) -> None:
    text = (PAGES / f"{name}.md").read_text("utf-8")
    assert text.startswith(bench.head(getattr(stdlib, name))), AGAIN.format(name)
    rows = {shape: int(cycles.replace(",", "")) for shape, cycles, *_ in bench.listed(text)}
    assert list(rows.items()) == list(CYCLES[name].items()), AGAIN.format(name)


@pytest.mark.parametrize("name", sorted(CYCLES))
def test_headers_explain_gaps_above_ten_percent(name: str, bench: ModuleType) -> None:
    """By the program's cycles, which stand in the header with what they are above the floor for."""
    header = getattr(stdlib, name).source.split(".target")[0]
    rows = bench.listed((PAGES / f"{name}.md").read_text("utf-8"))
    wide = {shape: cycles for shape, cycles, _, _, percent, *_ in rows if float(percent) > 10}
    missing = [shape for shape, cycles in wide.items() if not re.search(rf"(?<![\d,]){cycles}(?!,?\d)", header)]
    assert not missing


def test_list_of_pages(bench: ModuleType) -> None:
    pages = sorted(page for page in PAGES.glob("*.md") if page.stem != "README")
    assert [page.stem for page in pages] == sorted(stdlib.KERNELS)
    assert (PAGES / "README.md").read_text("utf-8") == bench.index(pages), AGAIN.format("NAME")
