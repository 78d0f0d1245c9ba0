"""Which instruction set a program is encoded in: its version, and a digest of what decides the meaning of words."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from lpuasm.isa.definition import Definition
from lpuasm.isa.spec import standard, vxm_reach

ISA_VERSION = 1
"""Counts up when words of old programs are no longer understood."""


@cache
def isa_digest() -> str:
    """SHA-256, in hex, of all instructions: names, opcodes, fields, types, timing; not of their documentation."""
    rows, large = vxm_reach()
    content = [ISA_VERSION, rows, sorted(large), [_entry(d) for d in sorted(standard(), key=lambda d: d.opcode)]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _entry(d: Definition) -> list[Any]:
    operands = [[o.name, o.kind, o.role, o.at, o.optional, dict(o.attributes)] for o in d.operands]
    timing = [d.timing.skew, d.timing.func, d.timing.link, d.timing.holds]
    expressions = [d.meaning, d.saturating] if d.unit == "vxm" else []
    return [
        d.mnemonic, d.opcode, d.unit, d.queues, operands, timing, d.types, d.saturates, expressions,
        d.large, d.pair, d.steps, d.state, d.rules,
    ]  # fmt: skip
