"""The page of a profile: its columns, its size, and what a real browser makes of it."""

from __future__ import annotations

import base64
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from profiling.browser import MISSING, Browser, browser
from words import program as of_words

import lpuasm
from lpuasm.isa.ports import ports
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.profiling.page import View, pack, page, slot
from lpuasm.profiling.report import profile
from lpuasm.profiling.values import values

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_columns_come_back() -> None:
    rng = np.random.default_rng(0)
    columns = {"a": rng.integers(-(2**31), 2**31, 1000), "b": np.arange(1000)}
    packed = pack(columns)
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8).reshape(2, 4, 1000)
    for plane, column in zip(planes, columns.values(), strict=True):
        differences = plane.T.copy().view("<i4")[:, 0]
        assert (np.cumsum(differences, dtype=np.int32) == column).all()


@pytest.mark.parametrize("name", ["tsp1", "mini"])
def test_units_stand_from_west_to_east(name: str) -> None:
    target = load_target(name)
    slots = {q.name: slot(target, q) for q in target.queues}
    far, near = f"mem.w{target.geometry.slices - 1}", f"mem.e{target.geometry.slices - 1}"
    order = ["mxm.w0.abc", "sxm.w.permute0", far, "mem.w0", "vxm.alu0", "mem.e0", near, "sxm.e.permute0", "mxm.e0.abc"]
    assert [slots[q] for q in order] == sorted({slots[q] for q in order})
    for queue in target.queues:
        for direction, mirrored in (("e", False), ("w", True)):
            tap = target.read_tap(queue, direction)
            if tap is not None and queue.kind in ("mem", "vxm", "select"):
                at = 2 * target.taps.vxm + 1 - tap - 1 if mirrored else tap
                assert at == slots[queue.name], queue


def test_the_page_needs_nothing_else() -> None:
    text = page(
        [View("03_matmul.s", profile(lpuasm.build(EXAMPLES / "03_matmul.s")), lambda name: "</script><b>")]
    ).decode()
    assert "default-src 'none'" in text and not re.search(r"https?://|src=|@import|url\(", text)
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    (shown,) = json.loads(data)
    assert shown["cycles"] == 440 and shown["files"][0]["text"] == "</script><b>"


def million() -> Program:
    """A program of more than a million dispatches, none of them a repeat."""
    lines: dict[str, Any] = {}
    for h in "we":
        for i in range(44):
            one = (0, "read", {"address": i, "out": f"s{i % 32}.e"})
            lines[f"mem.{h}{i}"] = [one, (1, "write", {"address": i, "data": f"s{i % 32}.e"})]
    small, n, rng = of_words("tsp1", lines), 11_400, np.random.default_rng(0)
    queues = {name: pair[rng.integers(0, 2, n)] for name, pair in small.queues.items()}
    flow = np.sort(rng.integers(0, 1000, n))
    place = np.stack((np.zeros(n), rng.integers(1, 5000, n), np.ones(n), flow), 1).astype(np.int32)
    names = tuple(f"f{k}" for k in range(1000))
    return Program(small.target, queues, files=("k.s",), flows=names, places=dict.fromkeys(queues, place))


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if MISSING:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():  # a skip alone is not seen
            sys.stderr.write(f"\nthe page of `lpuasm profile --html` is not tested: there is no {MISSING}\n")
        pytest.skip(f"there is no {MISSING}")
    with browser(tmp_path_factory.mktemp("browser")) as session:
        yield session


def test_a_million_dispatches_in_a_browser(chromium: Browser, tmp_path: Path) -> None:
    found = profile(million())
    assert found.measured.dispatches > 1_000_000
    octets = page([View("million", found, lambda name: "line\n" * 5000)])
    assert len(octets) < 30 << 20
    (tmp_path / "million.html").write_bytes(octets)
    chromium.open(tmp_path / "million.html")
    for span in (11_400, 3_000, 1_000, 300, 100, 10, 2):
        took = [chromium.run(f"lpuasm.show(500, {500 + span}); return lpuasm.state.took") for _ in range(5)]
        assert min(took) < 100, f"{span} cycles took {took} ms"


def test_what_the_page_shows(chromium: Browser, tmp_path: Path) -> None:
    source = (EXAMPLES / "03_matmul.s").read_text("utf-8")
    views = [
        View(f"M = {m}", profile(lpuasm.build(EXAMPLES / "03_matmul.s", defines={"M": m})), lambda name: source)
        for m in (320, 160)
    ]
    (tmp_path / "one.html").write_bytes(page(views[:1]))
    chromium.open(tmp_path / "one.html")
    row = "lpuasm.state.pictures[0].p.rows.find((r) => r.name === 'mxm.e0.abc')"
    y = int(chromium.run(f"const r = {row}; return r.y + r.height / 2 + document.getElementById('view').offsetTop"))
    x = int(chromium.run("return lpuasm.state.pictures[0].x(200.5)"))
    chromium.point(x, y)
    tip = chromium.run("return document.getElementById('tip').innerText")
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "abc " in text)
    assert "cycle 200" in tip and "abc.i8 s16.e" in tip and f"03_matmul.s:{line}" in tip and "abc   mxm.e0" in tip
    chromium.point(x, y, click=True)
    detail = chromium.run("return document.getElementById('detail').innerText")
    assert "flow multiply" in detail and "mxm.e0.array is changed before it is used" in detail
    assert chromium.run("return lpuasm.find('mxm.e0 lw')") == [1]
    assert chromium.run("return lpuasm.find('flow')") == [0] and chromium.run("return lpuasm.find('')") == [0]
    chromium.run("lpuasm.show(100, 101)")
    assert chromium.run("return lpuasm.state.to - lpuasm.state.from") == 2
    (tmp_path / "two.html").write_bytes(page(views))
    chromium.open(tmp_path / "two.html")
    shown = chromium.run("return document.getElementById('difference').innerText")
    assert "440 → 280 (−160)" in shown and "multiply" in shown and "install" not in shown


def test_the_values_that_dispatches_make(chromium: Browser, tmp_path: Path) -> None:
    program = lpuasm.build(EXAMPLES / "02_add.s")
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((64, 320)).astype(np.float32) for _ in range(2))
    made = values(program, {"X": x, "Y": y})
    known = {(int(f), int(c)): text for f, c, text in zip(made.family, made.cycle, made.texts, strict=True)}
    timeline, (queue,) = program.timeline, [q.number for q in program.target.queues if q.name == "vxm.alu0"]
    family = int(np.flatnonzero(timeline.queue == queue)[0])
    start = int(timeline.start[family])
    sums = {c - start: text for (f, c), text in known.items() if f == family}
    assert sums == {k: " ".join(map(str, (x + y)[k, :6])) for k in range(64)}
    stored = [text for text in made.texts if text.startswith("Z[5, 0:320], byte 3: ")]
    assert stored == [f"Z[5, 0:320], byte 3: {(x + y)[5, :6].view(np.uint8)[3::4].tobytes().hex(' ')}"]
    (tmp_path / "values.html").write_bytes(page([View("add", profile(program), lambda name: None, made)]))
    chromium.open(tmp_path / "values.html")
    row = "lpuasm.state.pictures[0].p.rows.find((r) => r.name === 'vxm.alu0')"
    y_at = int(chromium.run(f"const r = {row}; return r.y + r.height / 2 + document.getElementById('view').offsetTop"))
    chromium.point(int(chromium.run(f"return lpuasm.state.pictures[0].x({start + 7.5})")), y_at)
    assert f"{sums[7]} …" in chromium.run("return document.getElementById('tip').innerText")
    # A value on a stream is what its dispatch made, wherever on its way it is pointed at.
    alu = program.target.queues[queue]
    driven = program.target.drive_tap(alu, "e")
    assert driven is not None
    cycle = (
        start + 63 + int(ports(program.target).func[timeline.opcode[family]]) + 1
    )  # the last, one register further on
    at = f"p.x({cycle + 0.5}), 0.98 * p.p.edge({driven + 1}) + 0.02 * p.p.edge({driven + 2})"
    found = chromium.run(f"const p = lpuasm.state.pictures[0]; return lpuasm.under(p, {at})")
    assert found["family"] == family and found["made"] == start + 63
