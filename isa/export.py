"""The whole specification as JSON, for other tools: ``python -m lpuasm.isa.export [TARGET]``.

Keys and entries stand in the order of the specification, so that two exports can be compared as text.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from lpuasm.isa.attributes import DIMENSIONS
from lpuasm.isa.chip import Target
from lpuasm.isa.core import OPCODE_BITS, WORD_BITS, Definition, table, vxm_reach
from lpuasm.isa.errors import catalogue
from lpuasm.isa.operands import TYPE_BYTES, Operand
from lpuasm.isa.page import example, syntax, values_of
from lpuasm.isa.rules import RULES
from lpuasm.isa.spec import unit_summaries
from lpuasm.isa.target import TARGETS, load_target


def export(target: Target) -> dict[str, Any]:
    """The instruction set with the timing of ``target``, that chip and the known ones, and the catalogue of codes."""
    rows, large = vxm_reach()
    chips = [target, *(load_target(name) for name in TARGETS if name != target.name)]
    return {
        "target": target.name,
        "word_bits": WORD_BITS,
        "opcode_bits": OPCODE_BITS,
        "dimensions": DIMENSIONS,
        "types": dict(TYPE_BYTES),
        "units": dict(unit_summaries()),
        "instructions": [_instruction(d, target) for d in table(target)],
        "rules": {name: rule.text for name, rule in RULES.items()},
        "reach": {"rows": [list(row) for row in rows], "large": sorted(large)},
        "targets": {chip.name: _target(chip) for chip in chips},
        "diagnostics": {code: {"title": e.title, "meaning": e.meaning} for code, e in catalogue().items()},
    }


def _instruction(d: Definition, target: Target) -> dict[str, Any]:
    return {
        "mnemonic": d.mnemonic,
        "unit": d.unit,
        "opcode": d.opcode,
        "queues": list(d.queues),
        "syntax": syntax(d),
        "example": example(d, target),
        "summary": d.summary,
        "meaning": d.meaning,
        "saturating": d.saturating or None,
        "types": list(d.types),
        "saturates": list(d.saturates),
        "pair": d.pair or None,
        "steps": d.steps or None,
        "state": [f"{verb} {what}" + f" unless {unless}" * bool(unless) for verb, what, unless in d.state],
        "large": d.large,
        "rules": list(d.rules),
        "operands": [_operand(o, d) for o in d.operands],
        "fields": [asdict(b) for b in d.bits],
        "timing": asdict(d.timing),
        "source": d.source,
    }


def _operand(o: Operand, d: Definition) -> dict[str, Any]:
    return {
        "name": o.name,
        "kind": o.kind,
        "role": o.role,
        "optional": o.optional,
        "values": values_of(o, d),
        "attributes": dict(o.attributes),
        "doc": o.doc,
    }


def _target(chip: Target) -> dict[str, Any]:
    queues = [
        {
            "name": q.name,
            "kind": q.kind,
            "unit": q.unit,
            "number": q.number,
            "reads": {d: chip.read_tap(q, d) for d in ("e", "w")},
            "drives": {d: chip.drive_tap(q, d) for d in ("e", "w")},
        }
        for q in chip.queues
    ]
    return {
        "title": chip.title,
        "digest": chip.digest,
        "geometry": _numbers(chip.geometry),
        "queue_counts": _numbers(chip.queue_counts),
        "taps": _numbers(chip.taps),
        "barrier": _numbers(chip.barrier),
        "c2c": _numbers(chip.c2c),
        "timing": {name: dict(entry) for name, entry in chip.timing.items()},
        "source": dict(chip.source),
        "symbols": dict(chip.symbols),
        "queues": queues,
    }


def _numbers(part: Any) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(part).items()}


def text(target: Target) -> str:
    """The export as JSON text."""
    return json.dumps(export(target), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(load_target(sys.argv[1] if len(sys.argv) > 1 else "tsp1")))
