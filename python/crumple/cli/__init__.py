"""The command line. `main` is the entry point; importing this imports no command."""

from __future__ import annotations


def main() -> None:
    """Run the command `crumple`."""
    from crumple.cli.app import main as run

    run()
