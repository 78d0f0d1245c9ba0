"""Memory slices: what their instructions do in one issue, and their two address generators."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.maps import address_beyond
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.code import Code
from lpuasm.vm.icu import Nest
from lpuasm.vm.state import Octets


class Generator:
    """What an address generator still has to issue, as (cycle, step); ``due`` is the next one."""

    def __init__(self, code: Code, begin: int) -> None:
        self.code = code
        self.last = begin + sum((d.count - 1) * d.every for d in code.nest)
        self.issues = Nest(code.nest, begin)
        self.due = next(self.issues)

    @property
    def reads(self) -> bool:
        """Whether it is the read generator of its slice, or the write generator."""
        return "out" in self.code.ports

    def advance(self) -> bool:
        """Goes on to the next issue; whether there is one."""
        due = next(self.issues, None)
        if due is not None:
            self.due = due
        return due is not None


def read(chip: Chip, issue: Issue) -> None:
    address = _address(chip, issue)
    if address is not None:
        row = chip.state.slice(issue.code.queue.number)[address : address + 1]
        chip.drive(issue, "out", row.copy())


def write(chip: Chip, issue: Issue) -> None:
    address, data = _address(chip, issue), chip.sample(issue, "data")[0]
    if address is not None:
        chip.later(issue, partial(_store, chip, issue, address, data))


def gather(chip: Chip, issue: Issue) -> None:
    addresses = _addresses(chip, issue)
    _hold(chip, issue, _all_banks(chip))
    lanes = np.arange(chip.target.lanes)
    words = chip.state.slice(issue.code.queue.number)
    chip.drive(issue, "out", words[addresses.repeat(_width(chip)), lanes][None])


def scatter(chip: Chip, issue: Issue) -> None:
    data, addresses = chip.sample(issue, "data")[0], _addresses(chip, issue)
    _hold(chip, issue, _all_banks(chip))
    width = _width(chip)
    for k, address in enumerate(addresses.tolist()):
        lanes = slice(width * k, width * (k + 1))
        chip.later(issue, partial(_store, chip, issue, address, data[lanes], lanes))


def _store(chip: Chip, issue: Issue, address: int, data: Octets, lanes: slice = slice(None)) -> None:
    if chip.stored is not None:
        chip.stored(issue, address, lanes)
    chip.state.slice(issue.code.queue.number)[address, lanes] = data


def _address(chip: Chip, issue: Issue) -> int | None:
    """The address of a read or write, whose bank it holds; None if it is outside the slice."""
    address = issue.code.number("address") + issue.step
    if 0 <= address < chip.target.words:
        _hold(chip, issue, 1 << address // chip.target.geometry.words_per_bank)
        return address
    message = f"address {address} is outside the slice, which has words 0 … {chip.target.words - 1}"
    chip.fault(issue, "LPU0310", message)
    return None


def _addresses(chip: Chip, issue: Issue) -> NDArray[np.intp]:
    """The address for each superlane, from bytes 0 and 1 of the map; zeros for those outside the slice."""
    octets = chip.sample(issue, "map")[0].reshape(-1, _width(chip)).astype(np.intp)
    addresses: NDArray[np.intp] = octets[:, 0] + 256 * octets[:, 1]
    outside = addresses >= chip.target.words
    if outside.any():
        k = int(outside.argmax())
        chip.fault(issue, "LPU0701", address_beyond(k, int(addresses[k]), chip.target.words))
        addresses[outside] = 0
    return addresses


def _hold(chip: Chip, issue: Issue, banks: int) -> None:
    held = issue.code.banks
    assert held is not None, "every instruction of a slice says when it holds its banks"
    chip.agenda.at(issue.cycle + held[1]).holds.append((issue, banks))


def _all_banks(chip: Chip) -> int:
    return (1 << chip.target.geometry.banks) - 1


def _width(chip: Chip) -> int:
    return chip.target.geometry.lanes_per_superlane


OPERATIONS = {"read": read, "write": write, "gather": gather, "scatter": scatter}
