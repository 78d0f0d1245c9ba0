"""The command line, called inside the test's process, in a folder of its own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import referencing

from lpuasm.cli import run

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"

#: B = A + K on mini: every cycle by hand.
ADD = """\
.target mini
.param  K = 1
.input  A : i8 [4, 32] at mem.w0
.output B : i8 [4, 32] at mem.e0

.unit mem.w0
    0: read A -> s0.e repeat 4
.unit vxm.alu0
    3: add.i8 s0.e, K -> s0.e repeat 4
.unit mem.e0
    9: write s0.e -> B repeat 4
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """Codes of the diagnostics of a JSON answer."""
        return [d["code"] for d in self.json["diagnostics"]]


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    documents = {p.name: json.loads(p.read_text()) for p in SCHEMAS.glob("*.json")}
    registry: referencing.Registry[Any] = referencing.Registry().with_contents(documents.items())
    for document in documents.values():
        jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(documents[f"{name}.json"], registry=registry)


Call = Callable[..., Said]


@pytest.fixture
def lpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> Iterator[Call]:
    """Calls the command line; every JSON answer is held to its schema, and to the exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def call(*args: object, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = run([str(a) for a in args])
        out, err = capsysbinary.readouterr()
        said = Said(status, out, err.decode())
        if "--json" in args:
            document = said.json
            validator(document["command"] or "error").validate(document)
            assert document["status"] == status and not said.err.strip()
            assert (status == 0) == (not document["diagnostics"])
        return said

    yield call


@pytest.fixture
def add(tmp_path: Path) -> Path:
    """kernel.s, which adds one, with A.npy, and B.npy as it should be."""
    a = np.arange(128, dtype=np.int8).reshape(4, 32)
    np.save(tmp_path / "A.npy", a)
    np.save(tmp_path / "B.npy", a + np.int8(1))
    (tmp_path / "kernel.s").write_text(ADD)
    return tmp_path
