"""Rules between the operands of one instruction, named by the formats that they hold for (``rules = "…"``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lpuasm.isa.immediates import immediate_text
from lpuasm.isa.operands import Immediate, OperandError, Streams, Value

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` is what the manual says; ``needs`` are the operands it speaks of; ``check`` raises OperandError."""

    text: str
    needs: tuple[str, ...]
    check: Callable[[Values], None]


def _size(value: Value) -> int:
    return value.size if isinstance(value, Streams) else 0


def _low8(values: Values) -> None:
    if bool(values["low8"]) != (_size(values["out"]) == 1):
        raise OperandError("out", "low8 drives one stream; without it the result takes four")


def _wide_rows(values: Values) -> None:
    if _size(values["rows"]) == 32 and values["type"] != "f16":
        raise OperandError("rows", f"rows of {values['type']} come on 16 streams")


def _group_of_rows(values: Values) -> None:
    if values["rows"] is None and values["group"]:
        raise OperandError("group", "a group goes with rows from streams")


def _half(values: Values) -> None:
    if values["half"] and values["type"] != "f16":
        raise OperandError("half", f"{values['type']} uses all lanes; half is for f16")


def _same_size(values: Values) -> None:
    sizes = {_size(values[n]) for n in ("in", "north", "south", "out") if n in values}
    if len(sizes) > 1:
        raise OperandError("out", "operand and result groups must be of the same size")


def _same_group(values: Values) -> None:
    a, b = values["in"], values["out"]
    if isinstance(a, Streams) and isinstance(b, Streams) and a.base != b.base:
        raise OperandError("out", f"a distributor serves one group: the result goes to group {a.base // a.size} too")


def _no_step(values: Values) -> None:
    dims = values["repeat"]
    if isinstance(dims, tuple) and any(d.step for d in dims):
        raise OperandError("repeat", "the address comes from a stream; its step is 0")


def _one_direction(values: Values) -> None:
    a, b = values["a"], values["b"]
    if not isinstance(a, Streams) or not isinstance(b, Streams):
        return
    if a.direction != b.direction and a.base // 4 == b.base // 4:
        raise OperandError("b", f"one ALU cannot take stream group {a.base // 4} from both directions")


def _also(values: Values) -> None:
    if values["also"] is not None and values["out"] is None:
        raise OperandError("out", "a second place for the result without a first")
    if values["also"] is not None and values["also"] == values["out"]:
        raise OperandError("also", "both places for the result are the same")


def _immediate(names: tuple[str, ...], type_name: str = "") -> Callable[[Values], None]:
    def check(values: Values) -> None:
        for name in names:
            value = values[name]
            if isinstance(value, Immediate):
                try:
                    immediate_text(value.bits, type_name or str(values["type"]))
                except ValueError as e:
                    raise OperandError(name, str(e)) from None

    return check


def _one_immediate(values: Values) -> None:
    if isinstance(values["a"], Immediate) and isinstance(values["b"], Immediate):
        raise OperandError("b", "an instruction has one immediate")


RULES: Mapping[str, Rule] = {
    "low8": Rule("with `low8` the result is one stream, without it four", ("low8", "out"), _low8),
    "wide_rows": Rule("32 streams of rows only with f16", ("rows", "type"), _wide_rows),
    "group_of_rows": Rule("`group` only with rows from streams", ("rows", "group"), _group_of_rows),
    "half": Rule("`half 1` only with f16", ("half", "type"), _half),
    "same_size": Rule("operand and result groups are of the same size", ("out",), _same_size),
    "same_group": Rule("operand and result are the same group, the distributor's own", ("in", "out"), _same_group),
    "no_step": Rule("steps are 0: the address comes from a stream", ("repeat",), _no_step),
    "one_direction": Rule(
        "two operands of one SG4 index come from one direction (H: MORSE)", ("a", "b"), _one_direction
    ),
    "also": Rule("a second place for the result differs from the first, and needs it", ("out", "also"), _also),
    "immediate_a": Rule("an immediate fits the type; f16 has none", ("a", "type"), _immediate(("a",))),
    "immediate_ab": Rule("an immediate fits the type", ("a", "b", "type"), _immediate(("a", "b"))),
    "immediate_mask": Rule("an immediate mask is a u8", ("b",), _immediate(("b",), "u8")),
    "one_immediate": Rule("the value and the mask cannot both be immediates", ("a", "b"), _one_immediate),
}
