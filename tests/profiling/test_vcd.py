"""Value change dumps, read back with pyvcd."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from vcd.reader import TokenKind, tokenize

import lpuasm
from lpuasm.profiling.vcd import write_waves

EXAMPLES = Path(__file__).parents[2] / "examples"


def read(octets: bytes) -> tuple[dict[str, list[tuple[int, str]]], int]:
    """(the changes of every signal by its path, the last time)."""
    names: dict[str, str] = {}
    changes: dict[str, list[tuple[int, str]]] = {}
    scopes: list[str] = []
    now = 0
    for token in tokenize(io.BytesIO(octets)):
        if token.kind is TokenKind.SCOPE:
            scopes.append(token.scope.ident)
        elif token.kind is TokenKind.UPSCOPE:
            scopes.pop()
        elif token.kind is TokenKind.VAR:
            names[token.var.id_code] = ".".join([*scopes[1:], token.var.reference])
        elif token.kind is TokenKind.CHANGE_TIME:
            assert token.time_change >= now
            now = token.time_change
        elif token.kind in (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_STRING):
            change = token.scalar_change if token.kind is TokenKind.CHANGE_SCALAR else token.string_change
            changes.setdefault(names[change.id_code], []).append((now, change.value))
    return changes, now


def test_queues_and_streams_of_a_matmul() -> None:
    program = lpuasm.build(EXAMPLES / "03_matmul.s")
    out = io.BytesIO()
    count = write_waves(program, out)
    changes, end = read(out.getvalue())
    assert len(changes) == count and end == program.cycles == 440
    flows = {f.name: f.start for f in lpuasm.explain(program).flows}
    (up, _), (down, _) = changes["mem_w0_read.busy"][1:]
    assert (up, down) == (flows["multiply"], flows["multiply"] + 320)
    assert changes["mem_w0_read.word"] == [(up, "read_0x0_->_s16.e_repeat_320")]
    tap = program.target.read_tap(program.target.queue["mxm.e0.abc"], "e")
    (abc, _) = changes["mxm_e0_abc.busy"][1]
    assert changes[f"s16_e.sr{tap}"] == [(0, "0"), (abc, "1"), (abc + 320, "0")]


def test_codes_are_distinct() -> None:
    from lpuasm.profiling.vcd import _code

    codes = [_code(n) for n in range(20_000)]
    assert len(set(codes)) == len(codes) and all(33 <= ord(c) < 127 for c in "".join(codes))
    assert np.all(np.diff([len(c) for c in codes]) >= 0)
