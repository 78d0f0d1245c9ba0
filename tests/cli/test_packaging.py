"""What is installed is the whole of the rooms, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"lpuasm": "lpuasm", "isa": "lpuasm/isa", "asm": "lpuasm/asm", "vm": "lpuasm/vm", "stdlib": "lpuasm/stdlib"}
IGNORED = ("__pycache__", ".*", "*.egg-info", "build", "dist")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built without the network."""
    folder = tmp_path_factory.mktemp("build")
    shutil.copytree(ROOT, folder / "tree", symlinks=True, ignore=shutil.ignore_patterns(*IGNORED, "tests", "examples"))
    script = "import sys; import setuptools.build_meta as b; to = sys.argv[1]; b.build_sdist(to); b.build_wheel(to)"
    subprocess.run([sys.executable, "-c", script, str(folder)], cwd=folder / "tree", check=True, capture_output=True)
    return folder


def wanted() -> set[str]:
    """Every file of the rooms, by its path when it is installed."""
    files = set()
    for room, home in ROOMS.items():
        for path in (ROOT / room).rglob("*"):
            inside = path.relative_to(ROOT / room)
            linked = room == "lpuasm" and inside.parts[0] in ROOMS
            if path.is_file() and not linked and "__pycache__" not in path.parts:
                files.add(f"{home}/{inside.as_posix()}")
    return files


def test_the_wheel_has_every_file_of_the_rooms(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert names == wanted()


def test_the_source_distribution_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    script = "import sys; import setuptools.build_meta as b; b.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=tree, check=True, capture_output=True)
    first, second = (next(folder.glob("*.whl")) for folder in (built, tmp_path))
    assert zipfile.ZipFile(first).namelist() == zipfile.ZipFile(second).namelist()


def test_what_is_installed_runs_on_its_own(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    source = tmp_path / "k.s"
    source.write_text(".target mini\n.queue mem.w0\nnop 3\n")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lpuasm; from lpuasm.cli import run;"
        "assert lpuasm.__file__.startswith(sys.argv[1]), lpuasm.__file__; sys.exit(run(['check', sys.argv[2]]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {d.partition(">")[0].lower().replace("-", "_") for d in wanted if not d.startswith("lpuasm")}
    pins = {
        line.partition("=")[0].lower().replace("-", "_") for line in (ROOT / "constraints.txt").read_text().split("\n")
    }
    assert names <= pins
