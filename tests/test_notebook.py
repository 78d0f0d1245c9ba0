"""Notebooks: how things show themselves, and the cell magic."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lpuasm
from lpuasm.isa.notebook import grid

EXAMPLES = Path(__file__).parent.parent / "examples"
COPY = ".target mini\n.input A : i8 [N, LANES] at mem.w0\n.output B : i8 [N, LANES] at mem.e0\n"
COPY = COPY.replace("\n", "\n.param N = 4\n", 1) + "flow copy:\n    read A -> s0.e\n    write s0.e -> B\n"


class Shell:
    """What of IPython the extension uses."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[str, Any] = {}

    def register_magic_function(self, function: Any, magic_kind: str, magic_name: str) -> None:
        self.magics[magic_kind, magic_name] = function


def test_programs_runs_and_explanations_as_html() -> None:
    program = lpuasm.build(EXAMPLES / "09_layer_norm.s")
    shown = program._repr_html_()
    assert "program for tsp1, 421 cycles" in shown and '<td style="text-align:left">gamma</td>' in shown
    assert "ones_w" in lpuasm.explain(program)._repr_html_() and "the gap" in lpuasm.explain(program)._repr_html_()
    run = lpuasm.run(lpuasm.build(text=COPY), {"A": np.zeros((4, 32), np.int8)})
    assert "int8" in run._repr_html_() and f"{run.cycles:,} cycles" in run._repr_html_()
    assert lpuasm.profile(program)._repr_html_().startswith("<iframe srcdoc=")
    assert "scalar code" in lpuasm.build(text="ld r0, [A + 1]\nst [B], r0\n")._repr_html_()
    assert "&lt;x&gt;" in grid("<x>", (), ())


def test_a_program_is_a_line_on_a_terminal() -> None:
    """IPython calls it; the notation of a dataclass would be a screenful."""
    said: list[str] = []
    lpuasm.build(text=COPY)._repr_pretty_(SimpleNamespace(text=said.append), False)
    assert said == ["<program for mini, 14 cycles>"]


def test_the_cell_magic(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    lpuasm.load_ipython_extension(shell)  # type: ignore[attr-defined]
    magic = shell.magics["cell", "lpuasm"]
    assert magic("kernel -D N=8", COPY) is shell.user_ns["kernel"]
    assert shell.user_ns["kernel"].tensor["A"].layout.shape == (8, 32)
    magic("", COPY)
    assert shell.user_ns["prog"].defines["N"] == 4
    assert magic("", COPY.replace("read", "reed")) is None
    assert "<cell>:6:5" in capsys.readouterr().err
    for line in ("x y", "1x", "for", '"x', "x -D M", "x --nope"):
        assert magic(line, COPY) is None and "%%lpuasm [NAME]" in capsys.readouterr().err, line
