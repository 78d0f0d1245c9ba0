"""Commands that change the program, or keep it."""

from __future__ import annotations

import click

from lpuasm.repl.commands import Command, usage
from lpuasm.repl.console import Console
from lpuasm.repl.errors import wrong
from lpuasm.repl.items import Item

TITLE = "The program"
#: What a saved session says of the tensors that were given to it.
BINDING = ";> "


def edit(console: Console, rest: str) -> None:
    text = console.session.rejected if not rest else _item(console, rest).text.strip("\n")
    if not text:
        raise wrong("LPU1204", "nothing was refused that could be mended", "write edit FLOW")
    if not console.interactive:
        raise wrong("LPU1202", "there is no terminal to edit on", "write the flow again: it takes the old one's place")
    console.proposed = text


def _item(console: Console, rest: str) -> Item:
    """The item that words name: `multiply`, `flow multiply`, `param M`."""
    words = rest.replace(".", " ").split()
    items = console.session.version.items
    kinds = {"input", "weight", "output", "const", "temp"}
    kind = "tensor" if len(words) == 2 and words[0] in kinds else words[0]
    found = [i for i in items if i.name == words[-1] and (len(words) == 1 or i.kind == kind)]
    if not found:
        names = ", ".join(i.title for i in items if i.name and i.kind in ("flow", "tensor", "macro"))
        raise wrong("LPU1204", f"the program has no part '{rest}'", f"it has {names}" if names else "")
    return next((i for i in found if i.kind == "flow"), found[0])


def delete(console: Console, rest: str) -> None:
    if not rest:
        raise usage("delete")
    if rest.isdigit() or rest == "breakpoints":
        from lpuasm.repl.moving import unbreak

        unbreak(console, rest)
        return
    before, item = console.session.built, _item(console, rest)
    console.session.delete(item.kind, item.name)
    console.say(f"{item.title} is gone; `undo` brings it back")
    console.changed(before, [])


def undo(console: Console, rest: str) -> None:
    before = console.session.built
    console.session.undo()
    console.changed(before, [])


def show_list(console: Console, rest: str) -> None:
    version = console.session.version
    if console.session.fixed:
        from lpuasm.front import disassemble
        from lpuasm.repl.console import program_of

        console.say(disassemble(program_of(console)).rstrip("\n"))
        return
    wanted = _item(console, rest) if rest else None
    number = 1
    for item in version.items:
        lines = item.text.split("\n")[:-1]
        if wanted in (None, item):
            for k, line in enumerate(lines):
                console.say(f"{number + k:5}  {line}".rstrip())
        number += len(lines)
    if not version.items:
        console.say("nothing is written yet")


def save(console: Console, rest: str) -> None:
    from lpuasm.files import check_writable, write_all

    session = console.session
    name = rest or (session.name if session.name.endswith(".s") else "")
    if not name:
        raise usage("save")
    if session.fixed:
        raise wrong("LPU1205", "the program came from an object file, which has no text",
                    "`lpuasm dis` prints one that assembles to it")  # fmt: skip
    check_writable(name)
    defines = session.version.defines
    given = [f"{BINDING}param {k} = {v}\n" for k, v in defines.items()]
    given += [f"{BINDING}{k} ={bound.text}\n" for k, bound in console.tensors.items()]
    text = session.version.text
    if session.version.target and session.version.find("target", "target") is None:
        text = f".target {session.version.target}\n{text}"
    write_all({name: (text + ("\n" if given else "") + "".join(given)).encode()})
    console.say(f"{name}: {len(text.splitlines())} lines")


def load(console: Console, rest: str) -> None:
    from lpuasm.asm.parser import decode
    from lpuasm.files import read
    from lpuasm.repl.report import total_line

    if not rest:
        raise usage("load")
    octets = read(rest)
    console.ran = console.debugger = None
    if octets.startswith(b"\x7fELF"):
        from lpuasm.isa.objectfile import from_bytes

        console.session.fix(from_bytes(octets))
    else:
        lines = decode(octets, rest).splitlines(keepends=True)
        given = [line.removeprefix(BINDING) for line in lines if line.startswith(BINDING)]
        console.session.load("".join(line for line in lines if not line.startswith(BINDING)), rest)
        for line in given:
            if "=" in line:
                console.execute(line.rstrip("\n"))
    built = console.session.built
    assert built is not None
    e = built.explanation
    flows = f", {len(e.flows)} flows" if e else ""
    console.say(f"{rest}: {built.program.target.name}{flows}{', ' + total_line(None, e) if e else ', scalar code'}")


def param(console: Console, rest: str) -> None:
    from lpuasm.options import define

    if not rest:
        for name, value in (console.session.program.defines if console.session.program else {}).items():
            console.say(f"{name} = {value}")
        return
    try:
        name, value = define("".join(rest.split()))
    except click.BadParameter as e:
        raise wrong("LPU1202", e.message[:1].lower() + e.message[1:], "write param NAME = VALUE") from None
    before = console.session.built
    console.session.param(name, value)
    console.changed(before, [Item("param", name, "")])


def target(console: Console, rest: str) -> None:
    from dataclasses import replace

    from lpuasm.isa.target import TARGETS, load_target

    session = console.session
    if not rest:
        chip = session.program.target if session.program else load_target("tsp1")
        console.say(f"{chip.name}: {chip.title}")
        return
    before = session.built
    load_target(rest)
    version = replace(session.version, target=None if rest in TARGETS else rest)
    if rest in TARGETS:
        items = list(version.items)
        at = version.find("target", "target")
        if at is None:
            items.insert(0, Item("target", "target", f".target {rest}\n"))
        else:
            items[at] = replace(items[at], text=_retarget(items[at].text, rest))
        version = replace(version, items=tuple(items))
    session.change(version)
    console.changed(before, [Item("target", "target", "")])
    assert session.program is not None
    console.say(f"target {session.program.target.name}")


def _retarget(text: str, name: str) -> str:
    import re

    return re.sub(r"(?m)^(\s*\.target\s+)\S+", rf"\g<1>{name}", text, count=1)


COMMANDS = (
    Command("list [FLOW]", "The program, with the numbers of its lines.", show_list, "flow", ("l",)),
    Command("edit [FLOW]", "Put a flow on the prompt again; by itself what was refused.", edit, "flow", ("e",)),
    Command("delete FLOW|NUMBER", "Take a flow or declaration out, or a breakpoint.", delete, "flow", ("d",)),
    Command("undo", "Go back to the version before.", undo),
    Command("param [NAME = VALUE]", "Give a parameter its value.", param, "param"),
    Command("target [NAME|FILE.toml]", "The chip.", target, "target"),
    Command("load FILE", "Take a source or an object file in place of the program.", load, "file"),
    Command("save [FILE.s]", "Write the program as a file that builds.", save, "file", ("w",)),
)  # fmt: skip
