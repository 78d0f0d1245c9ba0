"""The instructions as JSON, read in a fifth of the time of the files that define them.

``instructions.tables`` is what ``python -m lpuasm.isa.snapshot`` writes: a line that says what it was made of, then
the instructions. One that was made of other files, or for other fields, is not used; a test tells when it is stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from lpuasm.isa.definition import Definition, Timing
from lpuasm.isa.errors import Span
from lpuasm.isa.operands import Operand

NAME = "instructions.tables"
_FILES = resources.files("lpuasm.isa")


class Snapshot(NamedTuple):
    """The instructions, and the ``reach`` of the ALUs."""

    definitions: tuple[Definition, ...]
    reach: Mapping[str, list[Any]]


def load(texts: Sequence[str]) -> Snapshot | None:
    """The instructions of the TOML files with these texts; None if the snapshot was made of others."""
    place = _FILES.joinpath(NAME)
    if not place.is_file():
        return None
    header, _, body = place.read_bytes().partition(b"\n")
    if header != _fingerprint(texts):
        return None
    data = json.loads(body)
    timings = [Timing(*entry) for entry in data["timings"]]
    formats = [(tuple([Operand(*entry) for entry in operands]), tuple(rules)) for operands, rules in data["formats"]]
    return Snapshot(tuple([_definition(entry, timings, formats) for entry in data["instructions"]]), data["reach"])


def _definition(entry: list[Any], timings: list[Timing], formats: list[tuple[Any, Any]]) -> Definition:
    timing, layout, span, queues, types, saturates, state, rest = entry
    operands, rules = formats[layout]
    return Definition(
        timing=timings[timing], operands=operands, rules=rules, span=Span(*span), queues=tuple(queues),
        types=tuple(types), saturates=tuple(saturates), state=tuple([tuple(use) for use in state]), **rest,
    )  # fmt: skip


def dump(definitions: Sequence[Definition], reach: Mapping[str, list[Any]], texts: Sequence[str]) -> bytes:
    """The content of the snapshot."""
    timings: list[list[Any]] = []
    formats: list[list[Any]] = []

    def index(table: list[list[Any]], entry: list[Any]) -> int:
        if entry not in table:
            table.append(entry)
        return table.index(entry)

    instructions = []
    for d in definitions:
        operands = [[getattr(o, name) for name in Operand.__match_args__] for o in d.operands]
        instructions.append([
            index(timings, [getattr(d.timing, name) for name in Timing.__match_args__]),
            index(formats, [operands, d.rules]),
            [d.span.file, d.span.line],
            d.queues,
            d.types,
            d.saturates,
            d.state,
            {name: getattr(d, name) for name in Definition.__match_args__ if name not in _APART},
        ])  # fmt: skip
    data = {"timings": timings, "formats": formats, "instructions": instructions, "reach": reach}
    return _fingerprint(texts) + b"\n" + json.dumps(data, separators=(",", ":")).encode() + b"\n"


_APART = ("timing", "operands", "rules", "span", "queues", "types", "saturates", "state")


def _fingerprint(texts: Sequence[str]) -> bytes:
    """What a snapshot depends on: the files, and the fields that they fill."""
    fields = [kind.__match_args__ for kind in (Definition, Timing, Operand, Span)]
    return hashlib.sha256(repr((fields, list(texts))).encode()).hexdigest().encode()


if __name__ == "__main__":
    from lpuasm.isa.spec import snapshot

    Path(__file__).with_name(NAME).write_bytes(snapshot())
