"""Options that commands share, and how their values are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from math import isfinite
from typing import Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])

_JSON = "lpuasm.json"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FRACTION = re.compile(r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Named:
    """``[NAME=]FILE`` as it was written; ``name`` is "" where it was left out."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the options of everything that assembles say."""

    defines: dict[str, int | float]
    include: tuple[str, ...]
    target: str | None


def define(text: str) -> tuple[str, int | float]:
    """The name and number of ``NAME=VALUE``: an integer, or a fraction with a point or an exponent.

    Raises click.BadParameter.
    """
    name, equals, number = text.partition("=")
    digits = number.strip().replace("_", "")
    if not _NAME.fullmatch(name):
        raise click.BadParameter(f"'{text}' is not NAME=VALUE: '{name}' is not a name")
    if not equals:
        raise click.BadParameter(f"'{text}' has no value; write {name}=VALUE, such as {name}=320")
    if _FRACTION.fullmatch(digits):
        if isfinite(float(digits)):
            return name, float(digits)
        raise click.BadParameter(f"{number} is beyond the largest number")
    based = re.match("[+-]?0[xXbBoO]", digits)
    try:
        value = int(digits, 0 if based else 10)
    except ValueError:
        raise click.BadParameter(f"'{number}' is not a number, such as 320, -1, 0x140 or 1e-5") from None
    if not -(1 << 63) <= value < 1 << 63:
        raise click.BadParameter(f"{digits} does not fit 64 bits")
    return name, value


def named(text: str) -> Named:
    """``[NAME=]FILE`` in its parts. Raises click.BadParameter.

    What stands before the first "=" is a NAME if it can be one; write ./a=b.npy for a file of that name.
    """
    name, equals, file = text.partition("=")
    result = Named(name, file) if equals and _NAME.fullmatch(name) else Named("", text)
    if not result.file:
        raise click.BadParameter(f"'{text}' names no file")
    return result


def each(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[Any, ...]]:
    """The callback of an option that may be repeated, whose every value goes through ``parse``."""
    return lambda ctx, param, values: tuple(parse(value) for value in values)


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completion by the shell's own file names."""
    return [CompletionItem(incomplete, type="file")]


def tensors(*names: str, help: str) -> Callable[[F], F]:
    """The option, which may be repeated, that names files of tensors: ``[NAME=]FILE``."""
    return click.option(
        *names, metavar="[NAME=]FILE", multiple=True, callback=each(named), shell_complete=complete_file, help=help
    )


def complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completion by the known chips, and by files where none fits."""
    from lpuasm.isa.target import TARGETS

    known = [CompletionItem(t) for t in TARGETS if t.startswith(incomplete)]
    return known or complete_file(ctx, param, incomplete)


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_JSON] = value


def as_json() -> bool:
    """Whether the command that runs answers one JSON document."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_JSON))


def one_document(*outputs: str | None) -> None:
    """Raises click.UsageError where more than one thing would go to standard output."""
    count = outputs.count("-") + as_json()
    if count > 1:
        raise click.UsageError("standard output can hold one thing only: an output, or the JSON document")


def common(function: F) -> F:
    """``--json`` and ``--color``, which every command takes; both are acted on by the caller of the command."""
    for option in (
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", expose_value=False,
                     help="Paint diagnostics.  [default: auto: on a terminal, unless NO_COLOR is set]"),
        click.option("--json", is_flag=True, expose_value=False, callback=_remember,
                     help="Answer one JSON document on standard output."),
    ):  # fmt: skip
        function = option(function)
    return function


def assembling(function: F) -> F:
    """``-D``, ``-I`` and ``--target``, which whatever assembles takes; handed on as ``assembly``."""

    @wraps(function)
    def collect(
        defines: tuple[tuple[str, int | float], ...], include: tuple[str, ...], target: str | None, **rest: Any
    ) -> Any:
        values: dict[str, int | float] = {}
        for name, value in defines:
            if values.setdefault(name, value) != value:
                raise click.UsageError(f"-D gives '{name}' two values, {values[name]} and {value}")
        return function(assembly=Assembly(values, include, target), **rest)

    wrapped = cast(F, collect)
    for option in (
        click.option("--target", metavar="NAME|FILE.toml", shell_complete=complete_target,
                     help="The chip: tsp1, mini, or a file that describes one."),
        click.option("-I", "include", metavar="DIR", multiple=True, type=click.Path(),
                     help="Look for .include files in DIR too; may be repeated."),
        click.option("-D", "defines", metavar="NAME=VALUE", multiple=True, callback=each(define),
                     help="Give a .param or extern NAME its value."),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped
