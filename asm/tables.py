"""The parser of ``grammar.lark``, with its tables made beforehand: start-up in a sixth of the time.

``grammar.tables`` is what ``python -m lpuasm.asm.tables`` writes: a line that names the grammar and
the version of lark it was made of, then the tables as ``Lark.save`` gives them. Tables of another
grammar or lark are not used; a test tells when the file is stale.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark

STARTS = ["line", "prefix", "expr"]
_FILES = resources.files("lpuasm.asm")


def parser(transformer: Any) -> Lark:
    """The parser; it reduces by the methods of ``transformer``."""
    grammar = _grammar()
    tables = _FILES.joinpath("grammar.tables")
    if tables.is_file():
        header, _, body = tables.read_bytes().partition(b"\n")
        if header == fingerprint(grammar):
            saved = pickle.loads(body)
            return Lark._load_from_dict(saved["data"], saved["memo"], transformer=transformer)
    return _build(grammar, transformer)


def fingerprint(grammar: str) -> bytes:
    """What the tables of a grammar depend on."""
    return f"{hashlib.sha256(grammar.encode()).hexdigest()} lark {lark.__version__}".encode()


def dump() -> bytes:
    """The content of ``grammar.tables``."""
    grammar = _grammar()
    out = io.BytesIO()
    _build(grammar, None).save(out)
    return fingerprint(grammar) + b"\n" + out.getvalue()


def _grammar() -> str:
    return _FILES.joinpath("grammar.lark").read_text("utf-8").replace("\r\n", "\n")


def _build(grammar: str, transformer: Any) -> Lark:
    return Lark(
        grammar, parser="lalr", lexer="contextual", start=STARTS, maybe_placeholders=True, transformer=transformer
    )


if __name__ == "__main__":
    Path(__file__).with_name("grammar.tables").write_bytes(dump())
