"""Which instructions the reference engines execute while a test runs: a plugin for a run of pytest within a test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from lpuasm.isa.core import Definition, table
from lpuasm.isa.target import load_target
from lpuasm.vm import icu, reference, scalar, units


def form(definition: Definition, kind: str | None) -> str:
    """An instruction, with its type if it has several: `mem.read`, `vxm.add.i8`."""
    return ".".join([definition.unit, definition.mnemonic, *([kind] if kind else [])])


FORMS = {form(d, kind) for d in table(load_target("mini")) for kind in d.types or (None,)}


class Executed:
    """``forms``: what each test executed, by its file and function."""

    def __init__(self) -> None:
        self.forms: dict[str, set[str]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Function) -> Iterator[None]:
        forms = self.forms[f"{item.path.name}::{item.originalname}"]

        def executed(chip: Any, issue: Any) -> None:
            definition = issue.code.definition
            forms.add(form(definition, issue.code.values.get("type")))
            perform(definition)(chip, issue)

        def controlled(act: Callable[..., Any]) -> Callable[..., Any]:
            def control(chip: Any, queue: Any, code: Any, dispatch: Any) -> Any:
                forms.add(form(code.definition, None))
                return act(chip, queue, code, dispatch)

            return control

        class Words(tuple[Any, ...]):
            def __getitem__(self, word: Any) -> Any:
                forms.add(f"seq.{super().__getitem__(word).name}")
                return super().__getitem__(word)

        def interpreted(ready: Any, *progress: Any) -> Any:
            return interpret(replace(ready, operations=Words(ready.operations)), *progress)

        perform, interpret = units.operation, scalar.ENGINES["reference"]
        with (
            mock.patch.object(reference, "operation", lambda definition: executed),
            mock.patch.object(icu, "CONTROL", {name: controlled(act) for name, act in icu.CONTROL.items()}),
            mock.patch.dict(scalar.ENGINES, {"reference": interpreted}),
        ):
            return (yield)
