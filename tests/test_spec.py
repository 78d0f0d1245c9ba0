"""The specification is strict: what is wrong in an instruction file is named by file, line and entry."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from copy import deepcopy
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.core import FILES, OPCODE_BITS, WORD_BITS, Definition, assemble_table, parse_unit, table
from lpuasm.isa.errors import SpecError
from lpuasm.isa.kinds import KINDS
from lpuasm.isa.meaning import meaning
from lpuasm.isa.operands import (
    Dim,
    Immediate,
    OperandError,
    Streams,
    Value,
    float_text,
    immediate_bits,
    immediate_text,
)
from lpuasm.isa.page import example, example_values, page
from lpuasm.isa.rules import RULES
from lpuasm.isa.spec import QUEUE_KINDS, unit_summaries
from lpuasm.isa.target import load_target

TSP1 = load_target("tsp1")
DEFINITIONS = table(TSP1).definitions
IDS = [f"{d.unit}.{d.mnemonic}" for d in DEFINITIONS]
EVERY = pytest.mark.parametrize("definition", DEFINITIONS, ids=IDS)


@cache
def source(unit: str) -> str:
    return resources.files("lpuasm.isa").joinpath(f"{unit}.toml").read_text("utf-8")


# --- what an instruction file may not say

SMALL = """\
unit    = "mxm"
queues  = "lw acc"
summary = "A unit for these tests."

[timing]
one = { skew = 0, func = 1, source = "ours" }

[[format]]
name    = "plain"
rules   = "half"
operand = [
  { name = "type", kind = "type",    role = "suffix", at = 8, doc = "the type" },
  { name = "row",  kind = "streams", role = "in",     at = 11, size = "type", doc = "the row" },
  { name = "half", kind = "number",  role = "clause", at = 20, width = 4, doc = "a half" },
]

[[instruction]]
mnemonic = "first"
opcode   = 0x20
format   = "plain"
timing   = "one"
types    = "i8 f16"
summary  = "Does."
meaning  = "It does."
source   = "ours"
"""
BAD = [  # (what is replaced, by what, the line of the complaint, a part of it)
    ("at = 20", "at = 15", 9, "field 'half' overlaps field 'row.stream'"),
    ("at = 20", "at = 10", 9, "field 'half' overlaps field 'row.stream'"),
    ("at = 20", "at = 126", 9, "field 'half' does not fit 128 bits"),
    ("at = 20", "at = 3", 9, "operand 'half': at = 3 is not possible"),
    ("at = 20", 'at = "x"', 9, "operand 'half': at = 'x' is not possible"),
    ("at = 20", "at = true", 9, "operand 'half': at = True is not possible"),
    ("at = 20, ", "", 9, "operand 'half' needs 'at'"),
    ('at = 11, size = "type"', "at = 11", 9, "operand 'row': a streams needs 'size'"),
    ('size = "type"', "size = 3", 9, "operand 'row': size = 3 is not possible"),
    ('size = "type"', 'size = "to"', 9, "its size names 'to', which is no type operand before it"),
    ('size = "type"', 'size = "half"', 9, "operand 'row': size = 'half' is not possible"),
    ('size = "type"', "size = [4, 1]", 9, "operand 'row': size = [4, 1] is not possible"),
    ('kind = "number"', 'kind = "digit"', 9, "operand 'half': kind = 'digit' is not possible"),
    ('kind = "number",  role', 'kind = "streams", size = 1, role', 9, "'width' is not a key of a streams"),
    ('role = "clause"', 'role = "suffix"', 9, "a number cannot stand in the role 'suffix'"),
    ('role = "clause"', 'role = "hidden"', 9, "the one hidden operand is the immediate"),
    ('role = "clause"', 'role = "aside"', 9, "operand 'half': role = 'aside' is not possible"),
    ("width = 4", "width = 0", 9, "width = 0 is not possible"),
    ("width = 4", "width = 4, least = 2", 9, "so its 'least' is 0"),
    ("width = 4", "width = 4, optional = true", 9, "only streams that go in or out are optional"),
    ("width = 4", "width = 4, scale = 2", 9, "'scale' is for signed numbers"),
    ("width = 4", "width = 4, colour = 1", 9, "'colour' is not a key of a number"),
    ('name = "half"', 'name = "row"', 9, "there are two operands 'row'"),
    ('name = "half"', 'name = "side"', 18, "rule 'half' speaks of operand 'half', which is not there"),
    ('name = "type"', 'name = "sort"', 9, "an operand of kind type is called type or to"),
    (', doc = "a half"', "", 9, "operand 'half' needs 'doc'"),
    ('rules   = "half"', 'rules   = "whole"', 9, "there is no rule 'whole'"),
    (', source = "ours" }', "}", 6, "timing one: a latency without a source"),
    ('source = "ours" }', 'source = "hearsay" }', 6, "source = 'hearsay' is not possible"),
    ("func = 1", "func = -1", 6, "func = -1 is not possible"),
    ("func = 1", "func = 1.5", 6, "func = 1.5 is not possible"),
    ("func = 1", "fun = 1", 6, "'fun' is not a key of a timing"),
    ("func = 1", 'func = 1, holds = "rank+1"', 6, "holds = 'rank+1' is not possible"),
    ("func = 1", 'func = 1, holds = "bank+1"', 18, "instructions of MEM, and no others, hold banks"),
    ("func = 1", "func = 1, link = 3", 18, "operands of an ALU and a timing with 'link' go together"),
    ("one = {", "two = { skew = 0, func = 2, source = 'ours' }\none = {", 6, "timing two: no instruction uses it"),
    ("[[instruction]]", '[[format]]\nname = "spare"\noperand = []\n[[instruction]]', 18, "no instruction uses it"),
    ("[[instruction]]", '[[format]]\nname = "plain"\noperand = []\n[[instruction]]', 9, "two formats of this name"),
    ("opcode   = 0x20", "opcode   = 0", 18, "opcode = 0 is not possible"),
    ("opcode   = 0x20", "opcode   = 256", 18, "opcode = 256 is not possible"),
    ("opcode   = 0x20\n", "", 18, "an instruction needs 'opcode'"),
    ("opcode ", "upcode ", 18, "'upcode' is not a key of an instruction"),
    ('format   = "plain"', 'format   = "fancy"', 18, "there is no format 'fancy'"),
    ('timing   = "one"', 'timing   = "two"', 18, "there is no timing 'two'"),
    ('types    = "i8 f16"', 'types    = "i8 f64"', 18, "a type that the machine does not have"),
    ('types    = "i8 f16"', 'types    = "i8 i8"', 18, "a type is named twice"),
    ('types    = "i8 f16"\n', "", 18, "types and an operand of kind type go together"),
    ('types    = "i8 f16"', 'types    = "i8"\npair = "f16"', 18, "pair 'f16' is not one of its types"),
    ('types    = "i8 f16"', 'types    = "i8"\nsteps = "row"', 18, "which is not an operand that is a number"),
    ('types    = "i8 f16"', 'types    = "i8"\nsaturates = "i8"', 18, "saturates and saturating go together"),
    ('summary  = "Does."', 'summary  = ""', 18, "summary = '' is not possible"),
    ('meaning  = "It does."\n', "", 18, "an instruction needs 'meaning'"),
    ('source   = "ours"', 'source   = "known"', 18, "source = 'known' is not possible"),
    ('summary  = "Does."', 'summary  = "Does."\nqueues = "abc"', 18, "it names queues that its unit does not"),
    (
        'summary  = "Does."',
        'summary  = "Does."\nstate = ["eats buffer"]',
        18,
        "state = ['eats buffer'] is not possible",
    ),
    ('summary  = "Does."', 'summary  = "Does."\nstate = ["reads array unless x"]', 18, "it has no operand 'x'"),
    (
        'summary  = "Does."',
        'summary  = "Does."\nstate = ["reads sram"]',
        18,
        "instructions of MEM, and no others, use sram",
    ),
    ('queues  = "lw acc"', 'queues  = "lw gpu"', 2, "no target has queues of kind gpu"),
    ('queues  = "lw acc"', 'queues  = "lw lw"', 2, "a kind of queue is named twice"),
    ('unit    = "mxm"', 'unit    = "gpu"', 1, "unit = 'gpu' is not possible"),
    ('unit    = "mxm"', 'colour  = "mxm"', 1, "'colour' is not a key of a unit"),
]


def test_the_small_unit_is_right() -> None:
    (definition,) = parse_unit(SMALL, "small.toml")
    assert (definition.mnemonic, definition.span.file, definition.span.line) == ("first", "small.toml", 18)


@pytest.mark.parametrize(("old", "new", "line", "message"), BAD, ids=[f"{b[1][:20]}: {b[3][:30]}" for b in BAD])
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, line: int, message: str) -> None:
    assert SMALL.count(old) == 1 or old in ("opcode ",)
    with pytest.raises(SpecError) as caught:
        parse_unit(SMALL.replace(old, new, 1), "small.toml")
    found = [(d.code, d.span.file, d.span.line) for d in caught.value.diagnostics if d.span and message in d.message]
    assert found == [("LPU0804", "small.toml", line)], str(caught.value)


def test_several_wrongs_are_all_named() -> None:
    text = (
        SMALL.replace("opcode   = 0x20", "opcode   = 0").replace("func = 1", "func = -1").replace("at = 20", "at = 15")
    )
    with pytest.raises(SpecError) as caught:
        parse_unit(text, "small.toml")
    assert len(caught.value.diagnostics) >= 3


@pytest.mark.parametrize(("text", "line"), [("unit = \n", 1), ('unit = "mxm"\n\nqueues = =', 3), ("a = 1\na = 2\n", 2)])
def test_what_is_not_toml(text: str, line: int) -> None:
    with pytest.raises(SpecError) as caught:
        parse_unit(text, "small.toml")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert (diagnostic.code, diagnostic.span.line) == ("LPU0801", line)


def test_two_instructions_of_one_opcode_or_name() -> None:
    (first,) = parse_unit(SMALL, "one.toml")
    (second,) = parse_unit(SMALL.replace('"first"', '"second"'), "two.toml")
    with pytest.raises(SpecError, match=r"two.toml:18:1: .*second: opcode 0x20 is that of first"):
        assemble_table([first, second])
    (second,) = parse_unit(SMALL.replace("0x20", "0x21"), "two.toml")
    with pytest.raises(SpecError, match=r"two.toml:18:1: .*first: defined twice for lw queues"):
        assemble_table([first, second])


# --- any change of any file gives a table or a SpecError


def dump(value: object) -> str:
    """A TOML value."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value)


def document(data: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(k)} = {dump(v)}" for k, v in data.items())


JUNK = st.sampled_from(
    [0, 1, -1, 7, 16, 127, 10**30, 1.5, True, "", " ", "x", "type", "i8", [], [1], ["a"], {}, {"a": 1}]
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_changed_files_give_a_table_or_a_spec_error(unit: str, data: st.DataObject) -> None:
    root = tomllib.loads(source(unit))
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = root
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and node[key] and data.draw(st.integers(0, 5)):
                node = node[key]
                continue
            match data.draw(st.integers(0, 3)):
                case 0:
                    del node[key]
                case 1 if isinstance(node, dict):
                    node["zz"] = node.pop(key)
                case 2 if isinstance(node, list):
                    node.append(deepcopy(node[key]))
                case _:
                    node[key] = deepcopy(data.draw(JUNK))
            break
    try:
        definitions = parse_unit(document(root), "changed.toml")
    except SpecError as e:
        assert all(d.code == "LPU0804" and d.span and d.span.file == "changed.toml" for d in e.diagnostics)
        return
    for definition in definitions:
        word = data.draw(st.integers(0, definition.mask)) & definition.mask & ~0xFF | definition.opcode
        with suppress(OperandError):
            assert definition.decode(word).word == word


# --- the table as it is


@EVERY
def test_every_entry_is_complete(definition: Definition) -> None:
    assert definition.summary.endswith(".") and definition.summary[0] in definition.summary.strip()
    assert definition.meaning.strip() and definition.source.strip() and definition.timing.source.strip()
    assert set(definition.queues) <= set(QUEUE_KINDS)
    assert all(o.doc.strip() for o in definition.operands)
    assert definition.span.file == f"{definition.unit}.toml"
    assert f'"{definition.mnemonic}"' in source(definition.unit).splitlines()[definition.span.line - 1]


@EVERY
def test_no_bit_stands_twice_and_none_is_unaccounted(definition: Definition) -> None:
    owners: list[str | None] = [None] * WORD_BITS
    for bits in definition.bits:
        for bit in range(bits.low, bits.low + bits.width):
            assert owners[bit] is None, f"bit {bit} is of {owners[bit]} and of {bits.name}"
            owners[bit] = bits.name
    assert owners[:OPCODE_BITS] == ["opcode"] * OPCODE_BITS
    assert sum(1 << bit for bit, owner in enumerate(owners) if owner) == definition.mask
    assert len({b.name for b in definition.bits}) == len(definition.bits)
    for bit, owner in enumerate(owners):
        if owner is None:
            with pytest.raises(OperandError):
                definition.decode(definition.opcode | 1 << bit)


def test_every_pair_of_encodings_is_disjoint() -> None:
    for a, b in combinations(DEFINITIONS, 2):
        shared = a.mask & b.mask & (1 << OPCODE_BITS) - 1
        assert (a.opcode ^ b.opcode) & shared, f"{a.mnemonic} and {b.mnemonic}"


@EVERY
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_words_decode_to_what_encodes_to_them(definition: Definition, data: st.DataObject) -> None:
    word = definition.opcode
    for bits in definition.bits[1:]:
        if data.draw(st.integers(0, 3)):
            word |= data.draw(st.integers(0, (1 << bits.width) - 1)) << bits.low
    try:
        instruction = definition.decode(word)
    except OperandError:
        return
    assert instruction.word == word
    assert definition.encode({k: v for k, v in instruction.values.items() if k != "immediate"}) == word


@EVERY
def test_every_instruction_has_an_example_and_a_page(definition: Definition) -> None:
    assert page(definition, TSP1)
    if definition.unit != "seq":
        values = {n: v for n, v in example_values(definition, TSP1).items() if n != "immediate"}
        assert str(definition.decode(definition.encode(values))) == example(definition, TSP1)


@pytest.mark.parametrize("definition", [d for d in DEFINITIONS if d.unit == "vxm"], ids=lambda d: d.mnemonic)
def test_every_meaning_of_an_alu_is_of_known_functions(definition: Definition) -> None:
    assert meaning(definition)
    if definition.saturates:
        assert meaning(definition, saturating=True)


def test_every_kind_rule_and_queue_is_used() -> None:
    assert {o.kind for d in DEFINITIONS for o in d.operands} == set(KINDS)
    assert {r for d in DEFINITIONS for r in d.rules} == set(RULES)
    assert {k for d in DEFINITIONS for k in d.queues} == set(QUEUE_KINDS)
    assert {q.kind for q in TSP1.queues} == set(QUEUE_KINDS) - {"seq"}
    assert list(unit_summaries()) == list(FILES)


def test_an_unknown_opcode_and_a_foreign_queue_are_refused() -> None:
    unknown = next(code for code in range(256) if code not in table().by_opcode)
    with pytest.raises(OperandError, match="there is no opcode"):
        table().decode(unknown)
    with pytest.raises(OperandError, match="not an instruction of vxm queues"):
        table().decode(table().named("read")[0].encode(example_values(table().named("read")[0], TSP1)), "vxm")


E0, E1, WIDE = Streams("e", 0), Streams("e", 1), Streams("e", 0, 4)
BROKEN: dict[str, tuple[str, dict[str, Value]]] = {  # a rule, an instruction that has it, what breaks it
    "low8": ("acc", {"out": E0}),
    "wide_rows": ("lw", {"rows": Streams("e", 0, 32)}),
    "group_of_rows": ("iw", {"group": 1}),
    "half": ("abc", {"half": 1}),
    "same_size": ("shift", {"out": WIDE}),
    "same_group": ("distribute", {"out": Streams("w", 8, 8)}),
    "no_step": ("gather", {"repeat": (Dim(2, 1, 1),)}),
    "one_direction": ("add", {"b": Streams("w", 3)}),
    "also": ("neg", {"out": E0, "also": E0}),
    "immediate_a": ("neg", {"a": Immediate(0x80)}),
    "immediate_ab": ("sub", {"b": Immediate(0xFFFF_FF7F)}),
    "immediate_mask": ("mask", {"b": Immediate(0x100)}),
    "one_immediate": ("mask", {"a": Immediate(1), "b": Immediate(1)}),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_refuses_what_breaks_it(rule: str) -> None:
    mnemonic, broken = BROKEN[rule]
    definition = next(d for d in DEFINITIONS if d.mnemonic == mnemonic)
    assert rule in definition.rules
    values = {n: v for n, v in example_values(definition, TSP1).items() if n != "immediate"}
    definition.encode(values)
    with pytest.raises(OperandError):
        definition.encode({**values, **broken})


@pytest.mark.parametrize(
    ("value", "type_name", "bits"),
    [
        (-128, "i8", 0xFFFF_FF80), (255, "i8", 0xFFFF_FFFF), (255, "u8", 0xFF), (-1, "i32", 0xFFFF_FFFF),
        (0xFFFF_FFFF, "i32", 0xFFFF_FFFF), (1.5, "f32", 0x3FC0_0000), (3.4028234663852886e38, "f32", 0x7F7F_FFFF),
        (-129, "i8", None), (256, "u8", None), (-1, "u8", None), (1 << 32, "i32", None), (-(1 << 31) - 1, "i32", None),
        (1e39, "f32", None), (1.5, "i32", None), (1.0, "f16", None),
    ],
)  # fmt: skip
def test_immediates(value: float, type_name: str, bits: int | None) -> None:
    if bits is None:
        with pytest.raises(ValueError, match=r"\w"):
            immediate_bits(value, type_name)
    else:
        assert immediate_bits(value, type_name) == bits
        assert immediate_bits(json.loads(immediate_text(bits, type_name)), type_name) == bits


@given(st.integers(0, (1 << 32) - 1))
def test_the_text_of_an_f32_reads_back_as_the_same_bits(bits: int) -> None:
    text = float_text(bits)
    if text != "nan":
        assert immediate_bits(float(text), "f32") == bits
