"""Links to other chips. A chip by itself has them wired to one another."""

from __future__ import annotations

from lpuasm.vm.chip import Chip, Issue


def send(chip: Chip, issue: Issue) -> None:
    row, link, links = chip.sample(issue, "data")[0], issue.code.number("link"), chip.target.c2c
    if link >= len(chip.state.sent):
        return
    free = chip.state.sent[link] + links.packet_cycles
    if issue.cycle < free:
        chip.fault(issue, "LPU0312", f"link {link} is busy with the last vector until cycle {free - 1}")
        return
    chip.state.sent[link] = issue.cycle
    chip.state.links[links.loopback[link]].append((issue.cycle + links.latency, row))


def receive(chip: Chip, issue: Issue) -> None:
    link = issue.code.number("link")
    if link >= len(chip.state.links):
        return
    arrived = chip.state.links[link]
    if not arrived or arrived[0][0] > issue.cycle:
        help = f"the next one arrives in cycle {arrived[0][0]}" if arrived else ""
        chip.fault(issue, "LPU0313", f"no vector has arrived over link {link}", help=help)
        return
    chip.drive(issue, "out", arrived.popleft()[1][None])


OPERATIONS = {"send": send, "receive": receive}
