"""--check: the verdict on an output, and who wrote its first wrong element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.compare import Comparison, check_fits, compare
from lpuasm.files import FileError, shown
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import Diagnostic, Related, error
from lpuasm.isa.program import Program
from lpuasm.origin import Origin, place, scalar_writers, writer
from lpuasm.tensors import parse


@dataclass(frozen=True, slots=True)
class Check:
    """A reference: the tensor that it is for, its file, what that holds, and how far floats may be off."""

    name: str
    file: str
    octets: bytes
    ulp: int

    def check_declared(self, program: Program) -> None:
        """Raises FileError where the reference cannot fit the tensor as it is declared; before a run."""
        tensor = program.tensor.get(self.name)
        if tensor is not None and tensor.layout is not None:
            self.array(DTYPES[tensor.layout.dtype], tensor.layout.shape)

    def array(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The reference for a result of that type and shape. Raises FileError where it is not one."""
        kind = next(name for name, known in DTYPES.items() if known == dtype)
        array = parse(self.octets, self.file, self.name, kind, shape)
        check_fits(self.name, dtype, shape, array, self.file)
        return array


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: as JSON, in words, and as diagnostics where the result is wrong."""

    document: Mapping[str, Any]
    notes: list[str]
    diagnostics: tuple[Diagnostic, ...]


def check(reference: Check, program: Program, result: NDArray[Any]) -> Verdict:
    """Compares a result with its reference. What cannot be compared is a wrong result, since the run is over."""
    try:
        expected = reference.array(result.dtype, result.shape)
    except FileError as e:
        return Verdict(_document(reference, result.size, None, None, None), [], e.diagnostics)
    found = compare(result, expected, reference.ulp)
    if found.good:
        how = "equals" if not found.largest else f"is within {found.largest} ulp of"
        note = f"{reference.name}: {how} {shown(reference.file)} ({found.count:,} elements)"
        return Verdict(_document(reference, result.size, found, None, None), [note], ())
    lane, origin, others = _origin(program, reference.name, found)
    document = _document(reference, result.size, found, lane, origin)
    return Verdict(document, [], (_diagnostic(reference, result, found, lane, origin, others),))


def _origin(program: Program, name: str, found: Comparison) -> tuple[int | None, Origin | None, list[Origin]]:
    """(lane, who wrote the first wrong element, the other stores that may have)."""
    assert found.first is not None
    if program.scalar:
        stores = scalar_writers(program, name)
        return None, stores[0] if len(stores) == 1 else None, stores
    layout = program.tensor[name].layout
    assert layout is not None
    where = place(layout, found.first, found.byte)
    return where.lane, writer(program, where), []


def _diagnostic(
    reference: Check,
    result: NDArray[Any],
    found: Comparison,
    lane: int | None,
    origin: Origin | None,
    others: list[Origin],
) -> Diagnostic:
    assert found.first is not None
    index = ", ".join(map(str, found.first))
    unit = " ulp" if result.dtype.kind == "f" else ""
    largest = "" if found.largest is None else f"; the largest difference is {found.largest:,}{unit}"
    where = f"first at {reference.name}[{index}]" + ("" if lane is None else f", lane {lane}")
    kind = result.dtype.type
    got = f"{kind(found.got)}, and the reference has {kind(found.expected) if unit else found.expected}"
    related = [Related(f"{where}: {got}")]
    if origin is None and not others:
        related.append(Related("no instruction writes this element"))
    elif origin is None:
        related += [Related("this may have written it", o.span) for o in others]
    cycle = "" if origin is None or origin.cycle is None else f" in cycle {origin.cycle:,}"
    label = "" if origin is None else f"`{origin.instruction}` of {origin.queue} wrote it last{cycle}"
    if origin is not None and origin.span is None:
        related.append(Related(label))
    count = f"{found.mismatches:,} of {found.count:,} elements"
    return error(
        "LPU0910",
        f"'{reference.name}' differs from {shown(reference.file)} in {count}{largest}",
        None if origin is None else origin.span,
        label=label,
        related=tuple(related),
    )


def _document(
    reference: Check, size: int, found: Comparison | None, lane: int | None, origin: Origin | None
) -> dict[str, Any]:
    first = None
    if found is not None and found.first is not None:
        span = origin.span if origin else None
        first = {
            "index": list(found.first),
            "lane": lane,
            "cycle": origin.cycle if origin else None,
            "queue": origin.queue if origin else None,
            "instruction": origin.instruction if origin else None,
            "file": span.file if span else None,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "got": json_number(found.got),
            "expected": json_number(found.expected),
        }
    return {
        "file": reference.file,
        "good": found is not None and found.good,
        "ulp": reference.ulp,
        "count": size,
        "mismatches": found.mismatches if found else size,
        "largest": found.largest if found else None,
        "first": first,
    }


def json_number(value: int | float) -> int | float | str:
    """A number as JSON can say it."""
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    return value
