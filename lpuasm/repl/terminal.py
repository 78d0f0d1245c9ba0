"""The conversation on a terminal: editing, completion, colours, history, and the cost on a line at the bottom."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from lpuasm.lexer import TypedLexer
from lpuasm.repl.completion import candidates
from lpuasm.repl.console import Console, Leave
from lpuasm.repl.items import incomplete, opens
from lpuasm.repl.report import totals

STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse bg:#303030 #d0d0d0",
        "bottom-toolbar.name": "bold",
        "bottom-toolbar.quiet": "#909090",
        "prompt": "bold",
        "pygments.keyword": "#5f87d7 bold",
        "pygments.keyword.namespace": "#af5faf",
        "pygments.keyword.type": "#5faf87",
        "pygments.name.builtin": "#5f87d7",
        "pygments.name.function": "bold",
        "pygments.name.variable": "#d7875f",
        "pygments.name.class": "#5fafaf",
        "pygments.literal.number": "#d7af5f",
        "pygments.comment": "#808080 italic",
    }
)


class TypedCompleter(Completer):
    """prompt_toolkit's face of :func:`candidates`."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for text, there, meta in candidates(self.console, document.text_before_cursor):
            yield Completion(text, -there, display_meta=meta)


def history() -> History:
    """What was typed in earlier conversations, in the user's state folder; for this one only where that cannot be."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "lpuasm"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / "history"
        file.touch(mode=0o600)
        return FileHistory(str(file))
    except OSError:
        return InMemoryHistory()


class _Preview:
    """What the flow that is being typed would cost, found out where a line of it ends."""

    text = ""


def _keys(console: Console, preview: _Preview) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        at_end = "\n" not in buffer.text or not buffer.document.text_after_cursor.strip()
        if at_end and not incomplete(buffer.text):
            preview.text = ""
            buffer.validate_and_handle()
            return
        line = buffer.document.current_line_before_cursor
        indent = line[: len(line) - len(line.lstrip())] or ("    " if opens(buffer.text.split("\n")) else "")
        buffer.insert_text("\n" + indent)
        if opens(buffer.text.split("\n")):
            preview.text = console.preview(buffer.text.rstrip())

    return keys


def _toolbar(console: Console, preview: _Preview) -> StyleAndTextTuples:
    session = console.session
    quiet = "class:bottom-toolbar.quiet"
    parts: StyleAndTextTuples = [("class:bottom-toolbar.name", f" {session.name} ")]
    if preview.text:
        return [*parts, ("", f" {preview.text}")]
    if not session.version.items and not session.fixed:
        return [*parts, ("", " nothing is written yet")]
    if session.built is None:
        return [*parts, ("", " does not assemble yet")]
    parts.append((quiet, f" {session.built.program.target.name} "))
    e = session.built.explanation
    if e is not None:
        for name, number in zip(("cycles", "floor", "gap"), totals(e), strict=True):
            parts += [(quiet, f"  {name} "), ("", f"{number:,}")]
        if e.gap and e.floor:
            parts.append((quiet, f" ({100 * e.gap / e.floor:.1f} %)"))
    if console.debugger is not None:
        if console.debugger.cycle < 0:
            return [*parts, (quiet, "   before the first cycle")]
        parts += [(quiet, "   stopped at cycle "), ("", f"{console.debugger.cycle:,}")]
    return parts


def prompt_session(console: Console, **options: Any) -> PromptSession[str]:
    """The prompt of a conversation; ``options`` go to prompt_toolkit."""
    preview = _Preview()
    return PromptSession(
        history=options.pop("history", None) or history(),
        auto_suggest=AutoSuggestFromHistory(),
        completer=TypedCompleter(console),
        complete_while_typing=False,
        enable_history_search=True,
        lexer=PygmentsLexer(TypedLexer),
        multiline=True,
        key_bindings=_keys(console, preview),
        bottom_toolbar=lambda: _toolbar(console, preview),
        prompt_continuation=lambda width, number, wrapped: "...> ".rjust(width),
        style=STYLE,
        include_default_pygments_style=False,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        **options,
    )


def prompt(console: Console) -> str:
    at = f" @{console.debugger.cycle:,}" if console.debugger is not None else ""
    return f"lpu{at}> "


def converse(console: Console, **options: Any) -> None:
    """Asks, does and answers until the user leaves. Ctrl-C gives up the line, or the run; Ctrl-D leaves."""
    console.interactive = True
    _measure(console)
    session = prompt_session(console, **options)
    console.say("`help` lists the commands, `? NAME` is the manual, Tab completes, Ctrl-D leaves.")
    while True:
        proposed, console.proposed = console.proposed, ""
        try:
            text = session.prompt(lambda: prompt(console), default=proposed)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        try:
            _measure(console)
            with _kept(console):
                console.execute(text)
        except Leave:
            return


def _measure(console: Console) -> None:
    """The width of the screen, which may change while somebody types."""
    console.width = max(shutil.get_terminal_size().columns, 40)


@contextmanager
def _kept(console: Console) -> Iterator[None]:
    """Ctrl-C gives up what is being done, and nothing else."""
    try:
        yield
    except KeyboardInterrupt:
        console.complain("interrupted; the conversation goes on")
