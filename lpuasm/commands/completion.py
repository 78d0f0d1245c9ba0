"""lpuasm completion: the script that a shell sources."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import common

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
@common
def command(shell: str) -> Answer:
    """Print the completion script of SHELL: bash, zsh or fish.

    \b
    bash: add  eval "$(lpuasm completion bash)"  to ~/.bashrc
    zsh:  add  eval "$(lpuasm completion zsh)"   to ~/.zshrc
    fish: lpuasm completion fish > ~/.config/fish/completions/lpuasm.fish
    """
    from click.shell_completion import get_completion_class

    from lpuasm.cli import COMPLETE, cli

    kind = get_completion_class(shell)
    assert kind is not None
    if shell == "bash":
        # click asks the bash on the PATH for its version here; the script itself does not depend on it
        kind = type("Bash", (kind,), {"_check_version": staticmethod(lambda: None)})
    script = kind(cli, {}, "lpuasm", COMPLETE).source()
    return Answer({"shell": shell, "text": script}, script)
