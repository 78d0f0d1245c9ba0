"""Options that commands share, and how their values are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)")


@dataclass(frozen=True, slots=True)
class Named:
    """``[NAME=]FILE`` as it was written; ``name`` is "" where it was left out."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the options of everything that assembles say."""

    defines: dict[str, int]
    include: tuple[str, ...]
    target: str | None


class _Define(click.ParamType):
    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        name, equals, number = value.partition("=")
        if not _NAME.fullmatch(name):
            self.fail(f"'{value}' is not NAME=VALUE: '{name}' is not a name", param, ctx)
        if not equals:
            self.fail(f"'{value}' has no value; write {name}=VALUE, such as {name}=320", param, ctx)
        if not _NUMBER.fullmatch(number.strip()):
            self.fail(f"'{number}' is not a whole number, such as 320, -1 or 0x140", param, ctx)
        digits = number.strip().replace("_", "")
        try:
            amount = int(digits, 0 if re.match(r"[+-]?0[xXbBoO]", digits) else 10)
        except ValueError:
            self.fail(f"'{number}' is not a whole number", param, ctx)
        if not -(1 << 63) <= amount < 1 << 63:
            self.fail(f"{number} does not fit 64 bits", param, ctx)
        return name, amount


class _NamedFile(click.ParamType):
    name = "[NAME=]FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Named:
        if isinstance(value, Named):
            return value
        name, equals, file = value.partition("=")
        named = Named(name, file) if equals and _NAME.fullmatch(name) else Named("", value)
        if not named.file:
            self.fail(f"'{value}' names no file", param, ctx)
        return named

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class _Target(click.ParamType):
    name = "NAME|FILE.toml"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from lpuasm.isa.target import TARGETS

        known = [CompletionItem(t) for t in TARGETS if t.startswith(incomplete)]
        return known or [CompletionItem(incomplete, type="file")]


NAMED_FILE = _NamedFile()


def common(function: F) -> F:
    """``--json`` and ``--color``, which every command takes; both are acted on by the caller of the command."""
    for option in (
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", expose_value=False,
                     help="Paint diagnostics.  [default: auto: on a terminal, unless NO_COLOR is set]"),
        click.option("--json", is_flag=True, expose_value=False, help="Answer one JSON document on standard output."),
    ):  # fmt: skip
        function = option(function)
    return function


def assembling(function: F) -> F:
    """``-D``, ``-I`` and ``--target``, which whatever assembles takes; handed on as ``assembly``."""

    def collect(defines: tuple[tuple[str, int], ...], include: tuple[str, ...], target: str | None, **rest: Any) -> Any:
        values: dict[str, int] = {}
        for name, value in defines:
            if values.setdefault(name, value) != value:
                raise click.UsageError(f"-D gives '{name}' two values, {values[name]} and {value}")
        return function(assembly=Assembly(values, include, target), **rest)

    collect.__doc__ = function.__doc__
    collect.__name__ = function.__name__
    wrapped: Any = collect
    for option in (
        click.option("--target", type=_Target(), help="The chip: tsp1, mini, or a file that describes one."),
        click.option("-I", "include", metavar="DIR", multiple=True, type=click.Path(),
                     help="Look for .include files in DIR too; may be repeated."),
        click.option("-D", "defines", multiple=True, type=_Define(), help="Give a .param or extern NAME its value."),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]
