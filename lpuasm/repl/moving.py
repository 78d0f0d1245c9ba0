"""Commands that stop a run, and move it forward and back. gdb's words."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lpuasm.repl.commands import Command, usage
from lpuasm.repl.console import Console, program_of
from lpuasm.repl.errors import wrong
from lpuasm.repl.paper import columns
from lpuasm.repl.running import inputs_of

if TYPE_CHECKING:
    from lpuasm.vm.code import Code
    from lpuasm.vm.debug import Debugger, Stop

TITLE = "To stop and to go, both ways"
#: Dispatches of a cycle that are shown.
_SHOWN = 8
_KINDS = {"cycle": "cycle", "cycles": "cycle", "dispatch": "dispatch", "dispatches": "dispatch", "flow": "flow",
          "flows": "flow"}  # fmt: skip


def begin(console: Console) -> Debugger:
    """A run before its first cycle. Raises LpuError where the program cannot be stopped or its inputs do not fit."""
    from lpuasm.isa.errors import LpuError
    from lpuasm.vm.debug import Debugger

    program = program_of(console)
    debugger = Debugger(program, {} if program.scalar else inputs_of(console, program))
    for number, text in console.breaks.items():
        try:
            debugger.add(text, number)
        except LpuError as e:
            console.complain(f"breakpoint {number} is at nothing: {e.diagnostics[0].message}")
    console.debugger = debugger
    return debugger


def at_a_cycle(console: Console) -> Debugger:
    """The run that is stopped; where there is none, one at its end."""
    if console.debugger is None:
        debugger = begin(console)
        with interruptible(console, debugger):
            debugger.breaks.clear()
            debugger.go()
            begun = console.breaks.items()
        for number, text in begun:
            debugger.add(text, number)
        console.say(f"(the run is at its end, cycle {debugger.cycle:,})")
    assert console.debugger is not None
    return console.debugger


@contextmanager
def interruptible(console: Console, debugger: Debugger) -> Iterator[None]:
    """Ctrl-C stops the run between two cycles; in a script it ends the conversation as everywhere."""
    if not console.interactive or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.set())
    debugger.interrupted = pressed.is_set
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        debugger.interrupted = lambda: False


def told(console: Console, stop: Stop) -> None:
    """Says where a run has stopped and why. Raises the Fault that it stopped at."""
    debugger = console.debugger
    assert debugger is not None
    if stop.reason == "fault":
        assert debugger.fault is not None
        console.say(f"cycle {stop.cycle:,}: a fault")
        raise debugger.fault
    why = {"end": "the end", "begin": "before the first cycle", "interrupted": "interrupted"}.get(stop.reason, "")
    if stop.breaks:
        names = {n: f"breakpoint {n}, " if n in console.breaks else "" for n in stop.breaks}
        why = ", ".join(f"{name}{debugger.breaks[n].text}" for n, name in names.items())
    console.say(f"cycle {debugger.cycle:,}" + (f": {why}" if why else ""))
    lines = dispatched(debugger)
    for line in lines[:_SHOWN]:
        console.say(f"    {line}")
    if len(lines) > _SHOWN:
        console.say(f"    and {len(lines) - _SHOWN} more")


def dispatched(debugger: Debugger) -> list[str]:
    """The words that dispatch in the present cycle, in the order of the queues; neighbours of a line together."""
    codes = {code.identity: code for code, _ in debugger.now}
    groups: list[list[Code]] = []
    for _, code in sorted(codes.items()):
        last = groups[-1][-1] if groups else None
        if last is not None and _together(debugger, last, code):
            groups[-1].append(code)
        else:
            groups.append([code])
    return columns([described(debugger, group[0], group[-1]) for group in groups]) if groups else []


def _together(debugger: Debugger, one: Code, other: Code) -> bool:
    """Whether two words are the same statement's, in neighbouring slices."""
    spans = [debugger.program.span(code.queue.name, code.word) for code in (one, other)]
    neighbours = one.queue.number + 1 == other.queue.number and one.queue.kind == other.queue.kind == "mem"
    return neighbours and one.definition is other.definition and spans[0] is not None and spans[0] == spans[1]


def origin(debugger: Debugger, code: Code) -> str:
    """` of flow f, line 12`: where a word comes from; "" if that is not known."""
    program, queue = debugger.program, code.queue.name
    flow, span = program.flow(queue, code.word), program.span(queue, code.word)
    where = ", ".join([*([f"flow {flow}"] if flow else []), *([f"line {span.line}"] if span else [])])
    return f" of {where}" if where else ""


def described(debugger: Debugger, code: Code, last: Code | None = None) -> tuple[str, str, str]:
    """A word of the program: its queue, its text, its flow and line. ``last``: of several, the last one."""
    queue = code.queue.name
    name = f"{queue} … {last.queue}" if last is not None and last is not code else queue
    return name, str(code.instruction), origin(debugger, code).removeprefix(" of ")


def start(console: Console, rest: str) -> None:
    begin(console)
    console.say("before the first cycle; `step`, `continue`, `break`; `help` lists the commands")


def go_on(console: Console, rest: str) -> None:
    debugger = console.debugger or begin(console)
    with interruptible(console, debugger):
        stop = debugger.go()
    told(console, stop)


def go_back(console: Console, rest: str) -> None:
    """With a condition, a breakpoint for this once."""
    debugger = at_a_cycle(console)
    once = debugger.add(rest) if rest else None
    kept = dict(debugger.breaks)
    if once is not None:
        debugger.breaks = {once: kept[once]}
    try:
        with interruptible(console, debugger):
            stop = debugger.go(backward=True)
        told(console, stop)
    finally:
        debugger.breaks = {n: b for n, b in kept.items() if n != once}


def step(console: Console, rest: str) -> None:
    _move(console, "step", rest, False)


def back(console: Console, rest: str) -> None:
    _move(console, "back", rest, True)


def next_dispatch(console: Console, rest: str) -> None:
    _move(console, "next", f"dispatch {rest}", False)


def previous_dispatch(console: Console, rest: str) -> None:
    _move(console, "reverse-next", f"dispatch {rest}", True)


def _move(console: Console, name: str, rest: str, backward: bool) -> None:
    kind, count = "cycle", 1
    for word in rest.replace(",", "").split():
        if word.isdigit():
            count = int(word)
        elif word in _KINDS:
            kind = _KINDS[word]
        else:
            raise usage(name)
    debugger = console.debugger or (at_a_cycle(console) if backward else begin(console))
    with interruptible(console, debugger):
        stop = debugger.back(count, kind) if backward else debugger.step(count, kind)
    told(console, stop)


def goto(console: Console, rest: str) -> None:
    number = rest.removeprefix("cycle ").replace(",", "")
    if not re.fullmatch(r"-1|\d+", number):
        raise usage("goto")
    debugger = console.debugger or begin(console)
    with interruptible(console, debugger):
        stop = debugger.goto(int(number))
    told(console, stop)


def break_at(console: Console, rest: str) -> None:
    from lpuasm.vm.breaks import parse
    from lpuasm.vm.moments import Moments

    if not rest:
        breakpoints(console, "")
        return
    program = program_of(console)
    if program.scalar:
        from lpuasm.vm.debug import Debugger

        Debugger(program)
    text = parse(rest, program, Moments(program)).text
    number = max(console.breaks, default=0) + 1
    console.breaks[number] = rest
    if console.debugger is not None:
        console.debugger.add(rest, number)
    console.say(f"breakpoint {number}: {text}")


def breakpoints(console: Console, rest: str) -> None:
    for number, text in console.breaks.items():
        console.say(f"breakpoint {number}: {text}")
    if not console.breaks:
        console.say("there are no breakpoints")


def unbreak(console: Console, rest: str) -> None:
    """Takes a breakpoint away, or all."""
    numbers = list(console.breaks) if not rest.isdigit() else [int(rest)]
    for number in numbers:
        if number not in console.breaks:
            known = ", ".join(map(str, console.breaks)) or "none"
            raise wrong("LPU1204", f"there is no breakpoint {number}", f"there are {known}")
        del console.breaks[number]
        if console.debugger is not None:
            console.debugger.breaks.pop(number, None)
    console.say(f"{'breakpoint' if len(numbers) == 1 else 'breakpoints'} {', '.join(map(str, numbers))} gone")


def stop_run(console: Console, rest: str) -> None:
    console.debugger = None
    console.say("no run is stopped any more")


COMMANDS = (
    Command("break [PLACE]", "Stop at a cycle, flow, `line N`, unit, mem.w12[0x40], `C nan`, `C > 100`.", break_at,
            "break", ("b",)),
    Command("breakpoints", "The breakpoints.", breakpoints),
    Command("start", "Begin a run, before its first cycle.", start),
    Command("continue", "On to the next stop, or the end.", go_on, "", ("c",)),
    Command("step [N] [cycle|dispatch|flow]", "Forward.", step, "", ("s", "si", "stepi")),
    Command("next [N]", "Forward to where a word dispatches.", next_dispatch, "", ("n",)),
    Command("back [N] [cycle|dispatch|flow]", "Back.", back, "", ("reverse-step", "rs", "rsi")),
    Command("reverse-next [N]", "Back to where a word dispatches.", previous_dispatch, "", ("rn",)),
    Command("reverse [PLACE]", "Back to the stop before; with a place, to where that was last.", go_back, "break",
            ("reverse-continue", "rc")),
    Command("goto CYCLE", "To the end of a cycle, past or to come.", goto, "", ("until", "u")),
    Command("kill", "Give up the run that is stopped.", stop_run, "", ("k",)),
)  # fmt: skip
