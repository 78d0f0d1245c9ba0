"""The rooms and the arrows between them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: What each room may import of ours; the front door, lpuasm, may import all, and no room imports it.
ARROWS = {
    "isa": {"isa"},
    "asm": {"isa", "asm"},
    "vm": {"isa", "vm"},
    "stdlib": {"isa", "asm", "vm", "stdlib"},
    "lpuasm": {"isa", "asm", "vm", "stdlib", "lpuasm"},
}
LONGEST = 400


def files(room: str) -> list[Path]:
    """The modules of a room. The links in lpuasm/ lead to the others and are not walked."""
    links = {ROOT / "lpuasm" / other for other in ARROWS}
    return [p for p in sorted((ROOT / room).rglob("*.py")) if not links & set(p.parents)]


MODULES = [(room, path) for room in ARROWS for path in files(room)]
EVERY = pytest.mark.parametrize(("room", "path"), MODULES, ids=[str(p.relative_to(ROOT)) for _, p in MODULES])


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(full name, level) of everything that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module or ''}.{alias.name}", node.level) for alias in node.names)


def test_all_rooms_are_here() -> None:
    assert all(files(room) for room in ARROWS)


@EVERY
def test_arrows(room: str, path: Path) -> None:
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "lpuasm":
            target = parts[1] if len(parts) > 1 and parts[1] in ARROWS else "lpuasm"
            assert target in ARROWS[room], f"{room} must not know {target}: {name}"


@EVERY
def test_imports_are_absolute(room: str, path: Path) -> None:
    for name, level in imports(path):
        assert level == 0, f"relative import of {name}"
        assert name.split(".")[0] not in set(ARROWS) - {"lpuasm"}, f"import of {name}: it is lpuasm.{name}"


@EVERY
def test_files_are_short(room: str, path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


def run(code: str) -> str:
    """What ``code`` prints, in an interpreter of its own that is started elsewhere."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_no_room() -> None:
    loaded = run("import sys, lpuasm; print(*sys.modules)").split()
    assert not [name for name in loaded if name.split(".")[0] in ("numpy", "lark", *ARROWS) and name != "lpuasm"]


@pytest.mark.parametrize("room", ["isa", "asm", "vm"])
def test_importing_a_room_imports_only_what_it_may(room: str) -> None:
    names = [".".join(("lpuasm", *p.relative_to(ROOT).with_suffix("").parts)) for p in files(room)]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names}]; print(*sys.modules)"
    loaded = {name.split(".")[1] for name in run(code).split() if name.startswith("lpuasm.")}
    assert loaded <= ARROWS[room]


def test_rooms_are_no_top_level_modules() -> None:
    names = [".".join(("lpuasm", *p.relative_to(ROOT).with_suffix("").parts)) for p in files("isa")]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names}]; print(*sys.modules)"
    assert not set(run(code).split()) & (set(ARROWS) - {"lpuasm"})
    assert not set(sys.modules) & (set(ARROWS) - {"lpuasm"})
