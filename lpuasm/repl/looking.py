"""Commands that look into a run where it stands, and ask where its values come from."""

from __future__ import annotations

import re

import numpy as np

from lpuasm.isa.errors import LpuError
from lpuasm.repl.commands import Command, groups, usage
from lpuasm.repl.console import Console
from lpuasm.repl.errors import wrong
from lpuasm.repl.moving import at_a_cycle, breakpoints, described
from lpuasm.vm.debug import Debugger

TITLE = "To look at a run"
_ELEMENT = re.compile(r"([A-Za-z_]\w*)\s*\[([\d\s,]*)\]")
_WORD = re.compile(r"(mem\.[we]\d+)\s*\[\s*(0[xX][0-9a-fA-F]+|\d+)\s*(?:(?::|\.\.)\s*(0[xX][0-9a-fA-F]+|\d+)\s*)?\]")
#: Words of SRAM that are shown at once.
_MOST = 64


def streams(console: Console, rest: str) -> None:
    from lpuasm.vm.picture import picture

    debugger = at_a_cycle(console)
    console.say(f"cycle {debugger.cycle:,}")
    console.say(picture(debugger.program, debugger.state, debugger.cycle, console.width))


def memory(console: Console, rest: str) -> None:
    from lpuasm.vm.places import held

    debugger = at_a_cycle(console)
    queue, first, last = _place(debugger, rest, "mem")
    for address in range(first, last + 1):
        octets = debugger.state.slice(queue)[address]
        known = held(debugger.program, queue, address)
        tensor = debugger.program.tensor[known[0]] if known else None
        note = f"   {known[1]}" if known else ""
        if known and tensor is not None and tensor.layout is not None and tensor.layout.planes > 1:
            note += f", byte {known[2]} of {tensor.layout.planes}"
        console.say(f"{debugger.program.target.queues[queue].name}[{address:#06x}]{note}")
        values = (
            octets.view(np.int8) if tensor is not None and tensor.layout and tensor.layout.dtype == "i8" else octets
        )
        texts = [str(v) for v in values] if values.dtype.kind == "i" else [f"{v:02x}" for v in values]
        widest = max(map(len, texts))
        across = 16 if 12 + 16 * (widest + 1) <= console.columns + 1 else 8
        for at in range(0, len(values), across):
            if octets[at : at + across].any():
                shown = " ".join(text.rjust(widest) for text in texts[at : at + across])
                console.say(f"  lane {at:3}  {shown}")
        if not octets.any():
            console.say("  zeros")


def _place(debugger: Debugger, text: str, command: str) -> tuple[int, int, int]:
    """(slice, first address, last address) of ``mem.w12[0x40]`` or ``mem.w12[0x40:0x44]``."""
    match = _WORD.fullmatch(text.strip())
    if not match:
        raise usage(command)
    target = debugger.program.target
    queue, first = target.queue.get(match[1]), int(match[2], 0)
    last = int(match[3], 0) - 1 if match[3] else first
    if queue is None or not first <= last < target.words:
        raise wrong("LPU1210", f"{target.name} has no words {text}", f"a slice has words 0 … {target.words - 1}")
    return queue.number, first, min(last, first + _MOST - 1)


def weights(console: Console, rest: str) -> None:
    debugger = at_a_cycle(console)
    match = re.fullmatch(r"(?:mxm\.)?([we])([01])(?:\s+(buffer|array))?", rest)
    if not match:
        raise usage("weights")
    plane = match[1], int(match[2])
    for name, rows in (("buffer", debugger.state.buffer[plane]), ("array", debugger.state.array[plane])):
        if match[3] in (None, name):
            filled = int(rows.any(axis=1).sum())
            console.say(f"{name} of mxm.{match[1]}{match[2]}: {filled} of {len(rows)} rows are not zero")
            if filled:
                console.say(
                    np.array2string(rows.view(np.int8), threshold=200, edgeitems=4, max_line_width=console.columns)
                )


def queues(console: Console, rest: str) -> None:
    debugger = at_a_cycle(console)
    ended = 0
    for queue in debugger.machine.queues:
        if rest and not queue.queue.name.startswith(rest):
            continue
        if queue.at >= len(queue.codes):
            ended += 1
            continue
        text = f"word {queue.at} of {len(queue.codes)}: {queue.codes[queue.at].instruction}"
        if queue.waiting is not None:
            text += f", waits since cycle {queue.waiting:,}"
        elif queue.nest is not None and queue.due is not None:
            text += f", issues again in cycle {queue.due[0]:,}"
        console.say(f"{queue.queue.name:15} {text}")
    if ended:
        console.say(f"{ended} queue{'s are at their ends' if ended > 1 else ' is at its end'}")


def element(text: str) -> tuple[str, tuple[int, ...]]:
    """``A[3, 7]`` as a name and an index. Raises ReplError."""
    match = _ELEMENT.fullmatch(text.strip())
    if not match:
        raise wrong("LPU1202", f"'{text}' is no element of a tensor", "write one such as A[3, 7]")
    return match[1], tuple(int(n) for n in match[2].replace(",", " ").split())


def where(console: Console, rest: str) -> None:
    from lpuasm.repl.tell import sightings

    name, index = element(rest)
    for line in sightings(at_a_cycle(console), name, index):
        console.say(line)


def who(console: Console, rest: str) -> None:
    debugger = at_a_cycle(console)
    queue, address, _ = _place(debugger, rest.removeprefix("wrote").strip(), "who")
    width = debugger.program.target.geometry.lanes_per_superlane
    events: dict[tuple[int, int], list[int]] = {}
    codes = {}
    for superlane in range(debugger.program.target.geometry.superlanes):
        stamp = debugger.stamp(queue, address, superlane * width)
        if stamp is not None:
            codes[stamp[0].identity] = stamp[0]
            events.setdefault((stamp[1], stamp[0].identity), []).append(superlane)
    name = f"{debugger.program.target.queues[queue].name}[{address:#06x}]"
    if not events:
        console.say(f"nothing has written {name} up to cycle {debugger.cycle:,}")
    for (cycle, identity), superlanes in sorted(events.items()):
        part = "" if len(superlanes) == debugger.program.target.geometry.superlanes else f", superlanes {superlanes}"
        code = codes[identity]
        console.say(f"{name} changed in cycle {cycle + code.func:,}{part}, by")
        console.say(f"    cycle {cycle:,}  {'  '.join(described(debugger, code))}")


def why(console: Console, rest: str) -> None:
    from lpuasm.repl.tell import chain

    name, index = element(rest)
    for line in chain(at_a_cycle(console), name, index, console.width):
        console.say(line)


def what_if(console: Console, rest: str) -> None:
    """Builds the program with a flow pinned elsewhere; nothing changes."""
    from lpuasm.asm.render import render
    from lpuasm.isa.suggest import did_you_mean
    from lpuasm.repl.report import change_report

    match = re.fullmatch(r"(?:flow\s+)?([A-Za-z_]\w*)\s*([-+@])\s*(\d+)", rest.strip())
    session = console.session
    if not match or session.built is None or session.built.explanation is None:
        raise usage("what-if")
    name, sign, number = match[1], match[2], int(match[3])
    flows = session.built.explanation.flows
    report = next((f for f in flows if f.name == name), None)
    if report is None:
        raise wrong("LPU1204", f"there is no flow '{name}'", did_you_mean(name, (f.name for f in flows)))
    start = number if sign == "@" else report.start + (number if sign == "+" else -number)
    try:
        built = session.tried(session.version, {name: start})
    except LpuError as e:
        console.say(f"no: flow {name} cannot start at cycle {start:,}")
        texts = {session.name: session.version.text}
        console.say(render(e.diagnostics, texts.get, console.color).rstrip("\n"))
        return
    console.say(f"yes: flow {name} may start at cycle {start:,}")
    for line in change_report([], session.built, built):
        console.say(line)


def info(console: Console, rest: str) -> None:
    """gdb's: `info breakpoints`, `info streams`, `info queues`."""
    word, _, more = rest.partition(" ")
    if word and "breakpoints".startswith(word):
        breakpoints(console, "")
        return
    found = next((c for c in groups()[TITLE] if word and c.name.startswith(word) and c.name != "info"), None)
    if found is None:
        raise usage("info")
    found.run(console, more)


COMMANDS = (
    Command("streams", "The chip, west to east: what is on the streams, where, moving which way.", streams),
    Command("mem UNIT[ADDRESS]", "Words of SRAM: mem.w12[0x40], mem.w12[0:4].", memory, "unit", ("x",)),
    Command("weights PLANE [buffer|array]", "What a plane holds: mxm.e0.", weights, "unit"),
    Command("queues [UNIT]", "Where every queue is.", queues, "unit"),
    Command("where ELEMENT", "Where A[3, 7] is at this cycle.", where, "tensor"),
    Command("who wrote UNIT[ADDRESS]", "Who wrote a word of SRAM last.", who, "unit"),
    Command("why ELEMENT", "The instructions that made C[3, 7], back to what was given.", why, "tensor"),
    Command("what-if flow NAME + CYCLES", "Would the flow be legal there; what then collides, or changes.", what_if,
            "flow"),
    Command("info breakpoints|streams|queues", "As in gdb.", info),
)  # fmt: skip
