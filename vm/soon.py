"""Steps in an order in which values are used soon after they are made, while they are still in the cache.

The chip has room for everything and works on many things at once: a program begins the next tasks while the
results of the last ones are on their way. A computer with one core gains nothing from that but values that have left
its cache when they are needed. So what a step needs is made just before it, in the order of the program.
"""

from __future__ import annotations

from collections.abc import Sequence

from lpuasm.vm.steps import Step


def soon(steps: Sequence[Step]) -> list[Step]:
    """The same steps, each after those that it hears. Where nodes are computed in several goes, the order stays."""
    if not all(s.whole for s in steps):
        return list(steps)
    maker = {n: k for k, s in enumerate(steps) for n in s.makes}
    needs = [sorted({maker[n] for n in s.heard if n in maker}) for s in steps]
    heard = {k for row in needs for k in row}
    out: list[Step] = []
    done = [False] * len(steps)
    for root in range(len(steps)):
        stack = [(root, iter(needs[root]))] if root not in heard else []
        while stack:
            k, rest = stack[-1]
            for other in rest:
                if not done[other]:
                    stack.append((other, iter(needs[other])))
                    break
            else:
                stack.pop()
                if not done[k]:
                    done[k] = True
                    out.append(steps[k])
    return out
