"""The command line. `main` is the entry point; importing this imports no command."""

from __future__ import annotations


def main() -> None:
    """Run the command `crumple`."""
    import sys

    from crumple.cli.supervise import fill_standard_streams, supervise

    fill_standard_streams()
    supervise(sys.argv[1:])  # before anything heavy: of what is imported now there will be two
    from crumple.cli.app import main as run

    run()
