"""What flows mean by their operands is held on every stream, not on the first of a group alone."""

from __future__ import annotations

import numpy as np
import pytest

from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError, Fault
from lpuasm.isa.legality import verdict
from lpuasm.vm.run import run

STOLEN = """
.target mini
.input X : i8 [1, LANES] at mem.w0
.input Z : i8 [1, LANES] at mem.w4
.output Y : i8 [1, LANES] at mem.e4
flow f @ 0:
    read  X -> s{0}.e
    write s{0}.e -> Y
.unit mem.e0
    6: read 7 -> s{0}.e
"""


@pytest.mark.parametrize("stream", [0, 5, 31])
def test_a_stolen_value_is_found_on_every_stream(stream: int) -> None:
    text = STOLEN.format(stream)
    with pytest.raises(AssemblyError) as refused:
        assemble(text)
    assert "LPU0314" in {d.code for d in refused.value.diagnostics}
    program = assemble(text, strict=False)
    first = verdict(program)[0]
    inputs = {name: np.ones((1, 32), np.int8) for name in "XZ"}
    for engine in ("fast", "reference"):
        with pytest.raises(Fault) as fault:
            run(program, inputs, engine=engine)
        assert (fault.value.code, fault.value.cycle) == (first.code, first.cycle)


def test_every_row_names_a_stream_of_its_operand() -> None:
    text = """
.target mini
.input X : i32 [4, LANES] at mem.w[0..3]
.output Y : i32 [4, LANES] at mem.e[0..3]
flow f:
    read  X -> sg4.e[3]
    write sg4.e[3] -> Y
"""
    program = assemble(text)
    assert sorted(set(program.intent[:, 3].tolist())) == [12, 13, 14, 15]
