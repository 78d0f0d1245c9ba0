"""The frame of the command line: start-up, exit statuses, usage errors, standard output."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from lpuasm.answer import BLANK
from lpuasm.cli import COMMANDS, cli
from lpuasm.options import define

LPUASM = [sys.executable, "-m", "lpuasm"]
SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"

_MODULES = """
import sys
from lpuasm.cli import run
status = run(sys.argv[1:])
rooms = ("numpy", "lark", "lpuasm.asm", "lpuasm.vm", "lpuasm.stdlib", "prompt_toolkit")
heavy = [m for m in sys.modules if m in rooms]
assert status == 0 and not heavy, (status, heavy)
"""


@pytest.mark.parametrize("args", [["--help"], *([c, "--help"] for c in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", _MODULES, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_copy_of_every_module() -> None:
    script = (
        "import sys; from lpuasm.cli import run; run(['isa', 'read']); print({'isa', 'asm', 'vm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.endswith("set()\n")


def test_help_lists_every_command_with_its_own_words(lpu: Any) -> None:
    text = lpu("--help").out.decode()
    with click.Context(cli) as ctx:
        for name, help in COMMANDS.items():
            command = cli.get_command(ctx, name)
            assert command is not None and command.name == name and command.help
            assert re.search(rf"^  {name} +{re.escape(help)}", text, re.M)
            options = {o for p in command.params for o in p.opts}
            assert {"--json", "--color"} <= options
            assert name in BLANK and (SCHEMAS / f"{name}.json").exists()


@pytest.mark.parametrize("name", ["build", "check", "run", "dis"])
def test_what_assembles_takes_the_same_options(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert {"-D", "-I", "--target"} <= {o for p in command.params for o in p.opts}


def test_the_version_names_the_instruction_set(lpu: Any) -> None:
    said = lpu("--version")
    assert said.status == 0 and re.fullmatch(rb"lpuasm \d+\.\d+\.\d+ \(isa [0-9a-f]{16}\)\n", said.out)


@pytest.mark.parametrize(
    "args",
    [
        ("bild", "x.s"),
        ("--nix",),
        ("build",),
        ("build", "a.s", "b.s"),
        ("build", "a.s", "--nix"),
        ("build", "a.s", "-D", "M"),
        ("build", "a.s", "-D", "M=x"),
        ("build", "a.s", "-D", "M=1.5.2"),
        ("build", "a.s", "-D", "M=0x"),
        ("build", "a.s", "-D", "M=nan"),
        ("build", "a.s", "-D", "M=1e999"),
        ("build", "a.s", "-D", "=1"),
        ("build", "a.s", "-D", f"M={1 << 63}"),
        ("build", "a.s", "-D", "M=1", "-D", "M=2"),
        ("build", "-"),
        ("build", "a.s", "-o"),
        ("build", "a.s", "-o", "-", "--listing", "-"),
        ("check",),
        ("run",),
        ("run", "a.s", "--ulp", "x"),
        ("run", "a.s", "--ulp", "-1"),
        ("run", "a.s", "--engine", "quick"),
        ("run", "a.s", "-i", ""),
        ("run", "a.s", "-i", "A="),
        ("run", "a.s", "-o", "A=-", "-o", "B=-"),
        ("fmt",),
        ("isa", "a", "b"),
        ("completion", "tcsh"),
        ("check", "a.s", "--color", "blue"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_status_2(lpu: Any, args: tuple[str, ...]) -> None:
    said = lpu(*args)
    assert said.status == 2 and said.out == b"" and said.err.startswith("error[LPU0990]")
    said = lpu(args[0], "--json", *args[1:])
    assert said.status == 2 and said.codes == ["LPU0990"]


def test_without_a_command_the_help_is_shown(lpu: Any) -> None:
    said = lpu()
    assert said.status == 2 and "Commands:" in said.err and said.out == b""


def test_json_after_two_dashes_is_a_file(lpu: Any) -> None:
    said = lpu("check", "--", "--no-such-file")
    assert said.status == 1 and b"{" not in said.out


@pytest.mark.parametrize("number", ["320", "0x140", "0b101000000", "0o500", "3_20", "+320", "00320"])
def test_numbers_of_defines(lpu: Any, tmp_path: Path, number: str) -> None:
    (tmp_path / "k.s").write_text(".target mini\n.param M\n.queue mem.w0\nnop M\nnop 321 - M\n")
    assert lpu("check", "k.s", "-D", f"M={number}").status == 0


@pytest.mark.parametrize(("text", "value"), [("E=1.5", 1.5), ("E=-.5e3", -500.0), ("E=1e-5", 1e-5), ("E=1.", 1.0),
                                             ("E=1", 1), ("E=-0x10", -16)])  # fmt: skip
def test_fractions_of_defines(text: str, value: float) -> None:
    assert define(text) == ("E", value) and type(define(text)[1]) is type(value)


def test_colour(lpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(*args: str) -> bool:
        return "\x1b[" in lpu("check", "nix.s", *args).err

    assert not painted()
    assert painted("--color", "always") and painted("--color=always")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted() and not painted("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not painted() and painted("--color", "always")


@pytest.mark.parametrize("command", ["isa", "--help", "--version"])
def test_a_reader_that_has_had_enough_is_no_error(command: str) -> None:
    process = subprocess.Popen([*LPUASM, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["isa", "read"], ["isa", "--json"], ["--help"], ["check", "--help"]], ids=" ".join)
def test_a_full_standard_output_is_said(args: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*LPUASM, *args], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "error[LPU0902]" in done.stderr and "Traceback" not in done.stderr


def test_an_interrupt_is_status_130() -> None:
    process = subprocess.Popen([*LPUASM, "check", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    while _unread(process.stdin.fileno()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 130 and json.loads(out)["diagnostics"][0]["code"] == "LPU0991"


def _unread(pipe: int) -> int:
    """Bytes in a pipe that nobody has read."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(lpu: Any, shell: str) -> None:
    said = lpu("completion", shell)
    assert said.status == 0 and b"_LPUASM_COMPLETE" in said.out
    assert lpu("completion", shell, "--json").json["text"] == said.out.decode()


@pytest.mark.parametrize(("words", "found"), [("lpuasm ch", "check"), ("lpuasm isa rea", "read"),
                                              ("lpuasm run x.s --engine f", "fast"),
                                              ("lpuasm build --target m", "mini"),
                                              ("lpuasm build --li", "--listing")])  # fmt: skip
def test_completions(words: str, found: str) -> None:
    env = {**os.environ, "_LPUASM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run([sys.executable, "-m", "lpuasm"], env=env, capture_output=True, text=True)
    assert f"plain,{found}" in done.stdout.splitlines(), done.stderr


def test_every_schema_is_used(lpu: Any) -> None:
    names = {p.stem for p in SCHEMAS.glob("*.json")}
    assert names == {*COMMANDS, "common", "error"} and np is not None
