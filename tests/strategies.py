"""Random legal instructions and programs, drawn from the specification itself: a new instruction is covered at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lpuasm.isa.core import Definition, Instruction, table
from lpuasm.isa.kinds import Number
from lpuasm.isa.layout import Layout
from lpuasm.isa.operands import (
    TYPE_BYTES,
    Dim,
    Immediate,
    Latch,
    Link,
    Operand,
    OperandError,
    Streams,
    Value,
    immediate_bits,
)
from lpuasm.isa.program import INTENT_COLUMNS, PLACE_COLUMNS, TENSOR_KINDS, Program, Symbol, Tensor
from lpuasm.isa.target import Queue, Target, load_target
from lpuasm.isa.values import Address, Factor, Product

NAMES = ("A", "B", "n", "m", "k")
"""The names of scalar programs; addresses refer to them by number."""
_LOW = (1 << 64) - 1

floats = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan")])


@st.composite
def _dims(draw: st.DrawFn, operand: Operand, steps: bool) -> tuple[Dim, ...]:
    widths = operand.attributes["widths"]
    assert isinstance(widths, list)
    dims: list[Dim] = []
    span = 0
    least = int(operand.role == "in")
    for count_bits, every_bits, step_bits in widths[: draw(st.integers(least, len(widths)))]:
        if span + 1 >= 1 << every_bits:
            break
        every = draw(st.integers(span + 1, min((1 << every_bits) - 1, span + 40)))
        count = draw(st.integers(2, 5) | st.integers(2, 1 << count_bits))
        step = draw(st.integers(-(1 << step_bits - 1), (1 << step_bits - 1) - 1)) if steps else 0
        dims.append(Dim(count, every, step))
        span += (count - 1) * every
    return tuple(dims)


@st.composite
def values(draw: st.DrawFn, definition: Definition) -> dict[str, Value]:
    """Operands of ``definition`` that it encodes."""
    found: dict[str, Value] = {}
    sizes: dict[tuple[int, ...], int] = {}
    bits: dict[str, int] = {}
    group = draw(st.integers(0, 3))

    def streams(operand: Operand) -> Streams:
        types = {n: TYPE_BYTES[str(v)] for n, v in found.items() if n in ("type", "to")}
        allowed = definition.context({n: found[n] for n in types}).size(operand.attributes["size"])
        if "low8" in definition.operand and operand.name == "out":
            size = allowed[0] if found.setdefault("low8", draw(st.booleans())) else allowed[-1]
        elif "wide_rows" in definition.rules and found["type"] != "f16":
            size = allowed[0]
        else:
            size = sizes.setdefault(allowed, draw(st.sampled_from(allowed)))
        index = group if "same_group" in definition.rules and size == 8 else draw(st.integers(0, 32 // size - 1))
        return Streams(draw(st.sampled_from("ew")), size * index, size)

    def source(operand: Operand) -> Value:
        masked = definition.format == "masked" and operand.name == "b"
        kind = "u8" if masked else str(found["type"])
        choice = draw(st.sampled_from(["streams", "streams", "link", "latch", "immediate"]))
        if choice == "immediate" and kind != "f16" and not (masked and isinstance(found["a"], Immediate)):
            number = draw(floats) if kind == "f32" else draw(st.integers(0, 127))
            return Immediate(bits.setdefault("immediate", immediate_bits(number, kind)))
        if choice == "link":
            return Link(draw(st.integers(0, 15)))
        return Latch() if choice == "latch" else streams(operand)

    for operand in definition.operands:
        if operand.name in found or operand.role == "hidden":
            continue
        if operand.kind == "type":
            first = found.get("type")
            found[operand.name] = draw(st.sampled_from([t for t in definition.types if t != first]))
        elif operand.kind == "flag":
            found[operand.name] = draw(st.booleans())
        elif operand.kind == "number":
            low, high = Number().range(operand.attributes)
            scale = operand.attributes.get("scale", 1)
            assert isinstance(scale, int)
            found[operand.name] = scale * draw(st.integers(-(-low // scale), high // scale))
        elif operand.kind == "dims":
            found[operand.name] = draw(_dims(operand, "no_step" not in definition.rules))
        elif operand.optional and draw(st.booleans()):
            found[operand.name] = None
        elif operand.kind == "streams":
            found[operand.name] = streams(operand)
        elif operand.kind == "source":
            found[operand.name] = source(operand)
        else:
            found[operand.name] = draw(_scalar(operand.kind))
    return _repaired(definition, found)


def _repaired(definition: Definition, found: dict[str, Value]) -> dict[str, Value]:
    """``found`` without what contradicts the rest."""
    rules = definition.rules
    if "half" in rules and found["type"] != "f16":
        found["half"] = 0
    if "group_of_rows" in rules and found["rows"] is None:
        found["group"] = 0
    if "also" in rules and (found["out"] is None or found["out"] == found["also"]):
        found["also"] = None
    a, b = found.get("a"), found.get("b")
    if "one_direction" in rules and isinstance(a, Streams) and isinstance(b, Streams) and a.base // 4 == b.base // 4:
        found["b"] = Streams(a.direction, b.base, b.size)
    if found.get("sat") and definition.result_type(found) not in definition.saturates:
        found["sat"] = False
    if found.get("keep") == 2 and found.get("b") is None:
        found["keep"] = 0
    return found


@st.composite
def _address(draw: st.DrawFn) -> Address:
    name = draw(st.integers(0, 1))
    products = draw(
        st.lists(
            st.builds(
                Product,
                st.sampled_from([1, 1, -1, 3, 1000]),
                st.lists(st.integers(0, 31), max_size=2).map(tuple),
                st.lists(st.integers(2, 4), max_size=1).map(tuple),
            ).filter(lambda p: p.registers or p.names),
            max_size=2,
            unique_by=lambda p: (tuple(sorted(p.registers)), tuple(sorted(p.names))),
        )
    )
    return Address(name, tuple(products), draw(st.sampled_from([0, 0, 1, -7, 100000])))


def _scalar(kind: str) -> st.SearchStrategy[Value]:
    registers = st.builds(Factor, st.just("register"), st.integers(0, 31))
    if kind == "register":
        return registers
    if kind == "memory":
        return _address()
    whole = st.builds(Factor, st.just("integer"), st.integers(-(1 << 31), (1 << 31) - 1))
    real = floats.map(lambda v: Factor("float", immediate_bits(v, "f32")))
    return st.one_of(registers, whole, real)


def instructions(definition: Definition) -> st.SearchStrategy[Instruction]:
    """Instances of one instruction."""

    def encoded(found: Mapping[str, Value]) -> Instruction | None:
        try:
            return definition.decode(definition.encode(found))
        except OperandError:
            return None

    return values(definition).map(encoded).filter(lambda made: made is not None)  # type: ignore[return-value]


@cache
def _of_kind(kind: str) -> st.SearchStrategy[Instruction]:
    return st.sampled_from([d for d in table() if kind in d.queues]).flatmap(instructions)


def in_queue(queue: Queue) -> st.SearchStrategy[Instruction]:
    """Instructions that the words of a queue may hold."""
    return _of_kind(queue.kind)


identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_ODD = ["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]
file_names = st.text(st.characters(codec="utf-8", exclude_categories=_ODD), min_size=1, max_size=8)


@st.composite
def tensors(draw: st.DrawFn, target: Target, name: str) -> Tensor:
    """A tensor that fits the target."""
    kind, dtype = draw(st.sampled_from(TENSOR_KINDS)), draw(st.sampled_from(sorted(TYPE_BYTES)))
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    groups, planes = draw(st.integers(1, 3)), TYPE_BYTES[dtype]
    memory = [q.number for q in target.queues if q.kind == "mem"]
    first = draw(st.integers(0, len(memory) - groups * planes))
    slices = tuple(memory[first : first + groups * planes])
    slices = (
        draw(st.sampled_from([slices, slices[::-1]])) if draw(st.booleans()) else tuple(draw(st.permutations(slices)))
    )
    bank_words = target.geometry.words_per_bank
    run = draw(st.sampled_from([0, 0, 1, 7])) if target.geometry.banks == 2 else 0
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 16))
    layout = Layout(dtype, shape, slices, draw(st.integers(0, bank_words // 4)), rows, columns, run, bank_words)
    size = int(np.prod(shape, dtype=np.int64)) * planes
    return Tensor(name, kind, layout, draw(st.binary(min_size=size, max_size=size)) if kind == "const" else b"")


@st.composite
def streaming(draw: st.DrawFn, targets: tuple[str, ...] = ("mini", "tsp1")) -> Program:
    """A program of random words, with everything that an object file holds. It need not be legal in time."""
    target = load_target(draw(st.sampled_from(targets)))
    chosen = draw(st.lists(st.sampled_from(target.queues), max_size=3, unique=True))
    queues: dict[str, Any] = {}
    for queue in sorted(chosen, key=lambda q: q.number):
        made = draw(st.lists(in_queue(queue), min_size=1, max_size=5))
        queues[queue.name] = np.array([(i.word & _LOW, i.word >> 64) for i in made], np.uint64)
    named = draw(st.lists(identifiers, unique=True, max_size=3))
    files, flows = (
        tuple(draw(st.lists(file_names, max_size=2))),
        tuple(draw(st.lists(identifiers, unique=True, max_size=2))),
    )
    defines: dict[str, int | float] = draw(
        st.dictionaries(identifiers, st.integers(-(1 << 63), (1 << 63) - 1) | floats, max_size=2)
    )
    return Program(
        target,
        queues,
        tuple(draw(tensors(target, name)) for name in named),
        tuple(draw(st.lists(_symbols(queues), max_size=3, unique_by=lambda s: (s.kind, s.queue, s.name)))),
        (),
        defines,
        files,
        flows,
        _places(draw, queues, len(files), len(flows)),
        _intent(draw, target, queues),
    )


@st.composite
def _symbols(draw: st.DrawFn, queues: Mapping[str, Any]) -> Symbol:
    name = draw(identifiers) + draw(st.sampled_from(["", "", ".3"]))
    if not queues or draw(st.booleans()):
        return Symbol(name, "flow", draw(st.integers(0, 1 << 40)))
    queue = draw(st.sampled_from(sorted(queues)))
    return Symbol(name, "label", draw(st.integers(0, len(queues[queue]))), queue)


def _places(draw: st.DrawFn, queues: Mapping[str, Any], files: int, flows: int) -> dict[str, Any]:
    found = {}
    for name, words in queues.items():
        rows = []
        for _ in range(len(words)):
            flow = draw(st.integers(-1, flows - 1))
            place = [-1, -1, -1]
            if files and draw(st.booleans()):
                place = [draw(st.integers(0, files - 1)), draw(st.integers(1, 99)), draw(st.integers(1, 99))]
            rows.append([*place, flow])
        if draw(st.booleans()):
            found[name] = np.array(rows, np.int32).reshape(-1, len(PLACE_COLUMNS))
    return found


def _intent(draw: st.DrawFn, target: Target, queues: Mapping[str, Any]) -> Any:
    rows: list[tuple[int, ...]] = []
    ends = [(target.queue[name].number, k) for name, words in queues.items() for k in range(len(words))]
    for number, k in ends:
        definition = table(target).by_opcode[int(queues[target.queues[number].name][k, 0]) & 0xFF]
        for index, operand in enumerate(definition.operands):
            if operand.role == "in" and operand.kind in ("streams", "source") and draw(st.booleans()):
                rows.append((number, k, index, draw(st.integers(0, 3)), *draw(st.sampled_from(ends))))
    return np.array(rows, np.int32).reshape(-1, len(INTENT_COLUMNS))


@st.composite
def scalar(draw: st.DrawFn) -> Program:
    """A program of random scalar words."""
    target = load_target(draw(st.sampled_from(["mini", "tsp1"])))
    made = draw(st.lists(_of_kind("seq"), min_size=1, max_size=6))
    words = []
    for instruction in made:
        found = {n: v for n, v in instruction.values.items() if n != "immediate"}
        if "target" in found:
            found["target"] = draw(st.integers(0, len(made)))
        words.append(instruction.definition.encode(found))
    image = {"seq": np.array([(w & _LOW, w >> 64) for w in words], np.uint64)}
    return Program(target, image, names=NAMES, defines={"n": 7})
