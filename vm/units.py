"""Every instruction's function, by unit and mnemonic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lpuasm.isa.core import Definition
from lpuasm.vm import c2c, icu, mem, mxm, sxm, vxm
from lpuasm.vm.chip import Chip, Issue

Operation = Callable[[Chip, Issue], None]

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "icu": icu.OPERATIONS,
    "mem": mem.OPERATIONS,
    "mxm": mxm.OPERATIONS,
    "sxm": sxm.OPERATIONS,
    "c2c": c2c.OPERATIONS,
}


def operation(definition: Definition) -> Operation:
    """What an issue of an instruction does. Raises KeyError for the words that act on their queue (``icu.CONTROL``)."""
    return vxm.operate if definition.unit == "vxm" else OPERATIONS[definition.unit][definition.mnemonic]
