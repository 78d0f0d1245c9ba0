"""Every example, against numpy; the flow form is never longer than the form placed by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lpuasm.asm.fmt import fmt

FOLDER = Path(__file__).parent.parent / "examples"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples", FOLDER / "examples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["examples"] = module
    spec.loader.exec_module(module)
    return module


examples = _load()
BY_NAME = {example.name: example for example in examples.EXAMPLES}
SCHEDULED = sorted(path.stem for path in (FOLDER / "scheduled").glob("*.s"))
#: The first example is kept letter for letter as people know it.
OURS = sorted(path for path in FOLDER.rglob("*.s") if path.stem != "01_matmul_scalar")
OTHER = {
    "01_matmul_scalar": {"n": 3, "m": 9, "k": 9},
    "02_add": {"M": 1, "N": 7},
    "03_matmul": {"M": 1},
    "04_matmul_f16": {"M": 4},
    "05_transpose": {"B": 1},
    "06_gather": {"V": 5000, "M": 1},
    "07_matmul_tiled": {"M": 1, "K": 1, "N": 321},
    "08_linear": {"M": 3, "K": 11, "N": 319, "shift": 0},
    "09_layer_norm": {"M": 200},
}


def test_every_source_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.s")} == set(BY_NAME) == set(OTHER)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_example(name: str) -> None:
    examples.run(BY_NAME[name])


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_example_with_other_parameters(name: str) -> None:
    examples.run(BY_NAME[name], OTHER[name], seed=1)


@pytest.mark.parametrize("name", SCHEDULED)
def test_scheduled_form_is_no_shorter(name: str) -> None:
    by_hand, _ = examples.run(BY_NAME[name], path=FOLDER / "scheduled" / f"{name}.s")
    placed, _ = examples.run(BY_NAME[name])
    assert placed <= by_hand


@pytest.mark.parametrize(
    "path", sorted(p for p in FOLDER.rglob("*.s") if p.stem != "01_matmul_scalar"), ids=lambda p: p.stem
)
def test_canonical_layout(path: Path) -> None:
    text = path.read_text("utf-8")
    assert fmt(text, path.name) == text
