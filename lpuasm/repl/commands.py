"""The commands of the conversation, as a table; modules for their subjects add to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from lpuasm.isa.suggest import did_you_mean
from lpuasm.repl.errors import ReplError, wrong

if TYPE_CHECKING:
    from lpuasm.repl.console import Console

#: The modules that hold commands, in the order in which `help` lists them.
_MODULES = ("editing", "running", "moving", "looking", "asking")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its usage begins with its name.

    ``run`` gets the console and what stands after the name; ``takes`` says what completes: "tensor", "flow", "file",
    "name" (of the manual), "unit", "target", "param", "command" or "".
    """

    usage: str
    summary: str
    run: Callable[[Console, str], None]
    takes: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.usage.split()[0]


def usage(command: str) -> ReplError:
    """The error of a command that was written in another way than it is."""
    found = table()[command]
    return wrong("LPU1202", f"this is not how `{command}` is written", f"write {found.usage}")


@cache
def groups() -> Mapping[str, Sequence[Command]]:
    """The commands by the title of their module."""
    modules = [import_module(f"lpuasm.repl.{name}") for name in _MODULES]
    return {module.TITLE: module.COMMANDS for module in modules}


@cache
def table() -> Mapping[str, Command]:
    """Every command by its name and by its aliases."""
    found: dict[str, Command] = {}
    for commands in groups().values():
        for command in commands:
            for name in (command.name, *command.aliases):
                assert name not in found, f"two commands are called {name}"
                found[name] = command
    return found


def find(word: str) -> Command | None:
    """The command of that name, or the only one that begins so."""
    known = table()
    if word in known:
        return known[word]
    near = {known[name].name for name in known if name.startswith(word)} if len(word) > 1 else set()
    return known[near.pop()] if len(near) == 1 else None


def unknown(word: str) -> ReplError:
    """The error of a line that begins with a word that is no command."""
    known = table()
    possible = sorted({known[n].name for n in known if n.startswith(word)}) if len(word) > 1 else []
    if len(possible) > 1:
        return wrong("LPU1201", f"`{word}` may be {', '.join(possible)}", at=(0, len(word)))
    help = did_you_mean(word, known, "`help` lists the commands; a statement stands indented in a flow")
    return wrong("LPU1201", f"there is no command `{word}`", help, (0, len(word)))
