"""Commands that explain: the program, the instruction set, the conversation itself."""

from __future__ import annotations

from lpuasm.repl.commands import Command, find, groups
from lpuasm.repl.console import Console, Leave, program_of
from lpuasm.repl.makers import FUNCTIONS

TITLE = "To ask"

_INTRODUCTION = """\
A line of assembly becomes part of the program at once: a directive, a flow with its statements (an empty line ends
it), a macro call. A flow or declaration of a name that there is takes its place; an indented statement by itself goes
on with the last flow. The program always assembles: a change that breaks it is refused, and says why.

    .target mini                      flow copy:
    .input A : i8 [8, 32] at mem.w0       read  A -> s0.e
    .output B : i8 [8, 32] at mem.e0      write s0.e -> B

A tensor is given as NAME = EXPRESSION [TYPE] or NAME = load FILE; a shape and type that are declared may be left out:

    A = integers(-8, 8, 8, 32) i8     A = load a.npy     A = randn     R = A @ W.T
"""


def help_(console: Console, rest: str) -> None:
    """The commands; of a command how it is written; of anything else its page in the manual."""
    name = rest.strip()
    if not name:
        console.say(_INTRODUCTION)
        for title, commands in groups().items():
            console.say(f"{title}:")
            for command in commands:
                short = f" ({', '.join(command.aliases)})" if command.aliases else ""
                console.say(f"    {command.usage + short:42} {command.summary}")
            console.say("")
        console.say("`? NAME` shows an instruction, a unit, a type or an error code; `help COMMAND` a command.")
        return
    if name in FUNCTIONS:
        console.say(f"write {FUNCTIONS[name][1]}")
        return
    found = find(name)
    if found is not None and name in (found.name, *found.aliases):
        aliases = f"\nalso: {', '.join(found.aliases)}" if found.aliases else ""
        console.say(f"{found.usage}{aliases}\n    {found.summary}")
        return
    from lpuasm.isa.manual import lookup
    from lpuasm.isa.target import load_target

    program = console.session.program
    text = lookup(name, program.target if program else load_target("tsp1")).rstrip("\n")
    if console.width is None:
        console.say(text)
        return
    from lpuasm.repl.paper import page

    console.say(page(text, console.width))


def explain(console: Console, rest: str) -> None:
    from lpuasm.front import explain as explained

    e = explained(program_of(console))
    if rest:
        from lpuasm.repl.errors import wrong
        from lpuasm.repl.report import flow_lines

        found = [f for f in e.flows if f.name == rest]
        if not found:
            raise wrong("LPU1204", f"there is no flow '{rest}'", f"there are {', '.join(f.name for f in e.flows[:12])}")
        console.say("\n".join(flow_lines(found)))
        return
    console.say(str(e).rstrip("\n"))


def dis(console: Console, rest: str) -> None:
    from lpuasm.front import disassemble

    console.say(disassemble(program_of(console)).rstrip("\n"))


def leave(console: Console, rest: str) -> None:
    raise Leave


COMMANDS = (
    Command("explain [FLOW]", "Why every flow starts when it does; cycles, floor, gap.", explain, "flow"),
    Command("dis", "The program as the words that its queues hold.", dis),
    Command("help [NAME]", "The commands, or the page of NAME in the manual; `? NAME` too.", help_, "name", ("h",)),
    Command("quit", "Leave; Ctrl-D too.", leave, "", ("q", "exit")),
)
