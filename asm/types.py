"""The types of an instruction: the suffixes that are written, or what its operands leave possible."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from lpuasm.asm.syntax import Operand, Statement, StreamRef
from lpuasm.isa.core import Definition
from lpuasm.isa.errors import AssemblyError, Diagnostic
from lpuasm.isa.operands import TYPE_BYTES, TYPES, Value
from lpuasm.isa.suggest import did_you_mean

Types = dict[str, str]


def choose(
    statement: Statement, definition: Definition, written: Mapping[str, Operand], prefer: str
) -> dict[str, Value]:
    """The values of the suffix operands. ``prefer``: "pair" or "plane", where a unit decides."""
    names = [o.name for o in definition.operands if o.kind == "type"]
    flags = [o.name for o in definition.operands if o.role == "suffix" and o.kind == "flag"]
    given: list[str] = []
    values: dict[str, Value] = {}
    for suffix in statement.suffixes:
        if suffix in flags and suffix not in values:
            values[suffix] = True
        elif suffix in TYPES and len(given) < len(names):
            given.append(suffix)
        else:
            known = [*(definition.types if names else ()), *flags]
            help_ = _offer(definition) if suffix in known else did_you_mean(suffix, known) or _offer(definition)
            message = f"`{definition.mnemonic}` has no suffix `.{suffix}`"
            if suffix in known:
                message = f"`.{suffix}` is one suffix too many"
            raise AssemblyError(statement.error("LPU0404", message, statement.mnemonic_span, help=help_))
    if not names:
        return values
    fixed = dict(zip(names, given, strict=False))
    for name, kind in fixed.items():
        if kind not in definition.types:
            message = f"`{definition.mnemonic}` has no type {kind}"
            raise AssemblyError(statement.error("LPU0404", message, statement.mnemonic_span, help=_offer(definition)))
        values[name] = kind
    if len(fixed) == len(names):
        return values
    fitting = _fitting(definition, names, fixed, written)
    if prefer and definition.pair:
        wanted = [t for t in fitting if (t["type"] == definition.pair) == (prefer == "pair")]
        fitting = wanted if wanted or prefer == "pair" else fitting
    if len(fitting) != 1:
        raise AssemblyError(_undecided(statement, definition, names, fitting, prefer))
    return {**values, **fitting[0]}


def _fitting(definition: Definition, names: list[str], fixed: Types, written: Mapping[str, Operand]) -> list[Types]:
    """Every choice of types that the sizes of the stream groups allow."""
    choices = [
        {**fixed, **dict(zip((n for n in names if n not in fixed), types, strict=True))}
        for types in product(definition.types, repeat=len(names) - len(fixed))
    ]
    return [
        types
        for types in choices
        if types.get("to") != types["type"]
        and not (_wide(definition, written) and types["type"] != "f16")
        and all(
            TYPE_BYTES[types[size]] == operand.size
            for name, operand in written.items()
            if isinstance(operand, StreamRef)
            and isinstance(size := definition.operand[name].attributes.get("size"), str)
        )
    ]


def _wide(definition: Definition, written: Mapping[str, Operand]) -> bool:
    """Whether rows come on 32 streams, as only those of f16 do."""
    rows = written.get("rows")
    return "wide_rows" in definition.rules and isinstance(rows, StreamRef) and rows.size == 32


def _undecided(
    statement: Statement, definition: Definition, names: list[str], fitting: list[Types], prefer: str
) -> Diagnostic:
    mnemonic = definition.mnemonic
    if not fitting:
        what = "this unit" if prefer == "pair" and definition.pair else "stream groups of these sizes"
        message = f"no type of `{mnemonic}` goes with {what}"
        return statement.error("LPU0404", message, statement.mnemonic_span, help=_offer(definition))
    choices = [f"`{'.'.join([mnemonic, *(types[n] for n in names)])}`" for types in fitting]
    if len(choices) > 8:
        choices = [*choices[:7], "…"]
    message = f"the type of `{mnemonic}` does not follow from its operands"
    return statement.error("LPU0404", message, statement.mnemonic_span, help=f"write one of {', '.join(choices)}")


def _offer(definition: Definition) -> str:
    if not definition.types:
        return f"write `{definition.mnemonic}`"
    return f"its types are {', '.join(definition.types)}"
