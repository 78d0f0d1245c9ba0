"""The names of a program as canonical JSON: tensors with their layouts, symbols, defines, files, flows.

Reading trusts nothing: every type, number and name is checked before it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from lpuasm.isa.layout import Layout
from lpuasm.isa.program import TENSOR_KINDS, Program, Symbol
from lpuasm.isa.section import Malformed, need
from lpuasm.isa.target import Target
from lpuasm.isa.values import TYPE_BYTES

SYMBOL_KINDS = ("flow", "label")
_KEYS = {"defines", "files", "flows", "names", "symbols", "tensors"}
_LAYOUT = {"address", "dtype", "run", "shape", "slices", "tile"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*", re.ASCII)
LONGEST_NAME = 1000
"""Characters of a name."""
_LARGEST = 1 << 40
_I64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Meta:
    """What the JSON of a program says. The data of constants is elsewhere."""

    tensors: tuple[tuple[str, str, Layout | None], ...]
    symbols: tuple[Symbol, ...]
    names: tuple[str, ...]
    defines: dict[str, int | float]
    files: tuple[str, ...]
    flows: tuple[str, ...]


def symbol_order(symbol: Symbol) -> tuple[str, str, int, str]:
    """The order of symbols in a file."""
    return symbol.kind, symbol.queue, symbol.value, symbol.name


def write_meta(program: Program) -> bytes:
    """The names of ``program``; the same names give the same bytes."""
    content = {
        "defines": {n: v.hex() if isinstance(v, float) else v for n, v in program.defines.items()},
        "files": list(program.files),
        "flows": list(program.flows),
        "names": list(program.names),
        "symbols": [[s.kind, s.queue, s.value, s.name] for s in sorted(program.symbols, key=symbol_order)],
        "tensors": [[t.name, t.kind, None if t.layout is None else _layout(t.layout)] for t in program.tensors],
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _layout(layout: Layout) -> dict[str, Any]:
    return {
        "address": layout.address,
        "dtype": layout.dtype,
        "run": layout.run,
        "shape": list(layout.shape),
        "slices": list(layout.slices),
        "tile": [layout.tile_rows, layout.tile_columns],
    }


def read_meta(data: bytes, target: Target, words: Mapping[str, int]) -> Meta:
    """What ``data`` says of a program for ``target`` with so many words in each queue. Raises Malformed."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("its names are not JSON") from None
    need(isinstance(content, dict) and content.keys() == _KEYS, "its names have other keys than lpuasm writes")
    tensors = tuple(_tensor(entry, target) for entry in _list(content["tensors"], "tensors"))
    need(len({name for name, _, _ in tensors}) == len(tensors), "two tensors have one name")
    symbols = tuple(_symbol(entry, words) for entry in _list(content["symbols"], "symbols"))
    need(len({(s.kind, s.queue, s.name) for s in symbols}) == len(symbols), "two symbols have one name")
    defines = content["defines"]
    need(isinstance(defines, dict), "its defines are not a table")
    return Meta(
        tensors,
        symbols,
        _names(content["names"], "names"),
        {_name(name): _number(value) for name, value in defines.items()},
        tuple(_text(file) for file in _list(content["files"], "files")),
        _names(content["flows"], "flows"),
    )


def _list(value: object, what: str) -> list[Any]:
    need(isinstance(value, list), f"its {what} are not a list")
    assert isinstance(value, list)
    return value


def _names(value: object, what: str) -> tuple[str, ...]:
    names = tuple(_name(name) for name in _list(value, what))
    need(len(set(names)) == len(names), f"two of its {what} are the same")
    return names


def _name(value: object) -> str:
    need(isinstance(value, str) and len(value) <= LONGEST_NAME and _NAME.fullmatch(value) is not None, "a name is none")
    assert isinstance(value, str)
    return value


def _text(value: object) -> str:
    need(
        isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable(), "the name of a file is none"
    )
    assert isinstance(value, str)
    return value


def _whole(value: object, low: int, high: int, what: str) -> int:
    need(type(value) is int and low <= value <= high, f"{what} is not a whole number in {low} … {high}")
    assert isinstance(value, int)
    return value


def _number(value: object) -> int | float:
    if isinstance(value, str) and len(value) < 40:
        try:
            return float.fromhex(value)
        except (ValueError, OverflowError):
            pass
    return _whole(value, -_I64, _I64 - 1, "a define")


def _symbol(entry: object, words: Mapping[str, int]) -> Symbol:
    need(isinstance(entry, list) and len(entry) == 4, "a symbol has not four parts")
    assert isinstance(entry, list)
    kind, queue, value, name = entry
    need(kind in SYMBOL_KINDS, "a symbol is of an unknown kind")
    if kind == "flow":
        need(queue == "", "a flow is not in one queue")
        return Symbol(_name(name), kind, _whole(value, 0, _I64 - 1, "the start of a flow"))
    need(isinstance(queue, str) and queue in words, "a label is in a queue that has no words")
    return Symbol(_name(name), kind, _whole(value, 0, words[queue], "the word of a label"), queue)


def _tensor(entry: object, target: Target) -> tuple[str, str, Layout | None]:
    need(isinstance(entry, list) and len(entry) == 3, "a tensor has not three parts")
    assert isinstance(entry, list)
    name, kind, layout = entry
    need(kind in TENSOR_KINDS, "a tensor is of an unknown kind")
    return _name(name), kind, None if layout is None else _read_layout(layout, target)


def _read_layout(entry: object, target: Target) -> Layout:
    need(isinstance(entry, dict) and entry.keys() == _LAYOUT, "a layout has other keys than lpuasm writes")
    assert isinstance(entry, dict)
    dtype = entry["dtype"]
    need(isinstance(dtype, str) and dtype in TYPE_BYTES, "a tensor is of an unknown type")
    shape = tuple(_whole(d, 0, _LARGEST, "a dimension") for d in _list(entry["shape"], "dimensions"))
    need(prod(max(d, 1) for d in shape) <= _LARGEST, "a tensor is larger than the memory of any chip")
    last = len(target.queues) - 1
    slices = tuple(_whole(s, 0, last, "a slice") for s in _list(entry["slices"], "slices"))
    need(all(target.queues[s].kind == "mem" for s in slices), "a tensor lies in a queue that has no memory")
    need(0 < len(set(slices)) == len(slices), "a tensor lies in no slice, or in one twice")
    need(len(slices) % TYPE_BYTES[dtype] == 0, "a tensor has not a slice for each byte plane")
    tile = _list(entry["tile"], "tiles")
    need(len(tile) == 2, "a tile has not two sides")
    bank_words = target.geometry.words_per_bank
    layout = Layout(
        dtype, shape, slices,
        _whole(entry["address"], 0, target.words - 1, "an address"),
        _whole(tile[0], 1, _LARGEST, "the rows of a tile"),
        _whole(tile[1], 1, target.lanes, "the columns of a tile"),
        _whole(entry["run"], 0, bank_words, "a run"),
        bank_words,
    )  # fmt: skip
    need(layout.depth <= target.words and layout.last_address() < target.words, "a tensor reaches beyond its slices")
    return layout
