"""`crumple keys`: key pairs for benches and rigs that talk over a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crumple.cli.screen import Screen, columns

app = typer.Typer(
    help="Make and show the keys of benches and rigs that talk over a network.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def keys() -> None:
    """Make and show the keys of benches and rigs that talk over a network.

    Each side has a pair: a secret key, which never leaves it, and a public one, which the other side is given.
    Off this machine nobody is talked to without.
    """


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose keys they are, such as bench or ecu_rig.")],
    dir_: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Where the two files are written.")
    ] = "keys",
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a pair of this name; who knows the old one is locked out."),
    ] = False,
) -> int:
    """Make a pair of keys: DIR/NAME.key and DIR/NAME.key_secret."""
    from crumple.live.keys import new_pair

    files = new_pair(name, folder=dir_, force=force)
    screen = Screen()
    rows = [
        [f"  {files.public}", f"public: give it to those who are to talk to {name}"],
        [f"  {files.secret}", "secret: stays here, readable by you alone"],
    ]
    for line in columns(rows, most=60):
        screen.line(line)
    screen.line()
    screen.line("In a scene that runs here:")
    screen.line(f'  [keys]\n  secret = "{files.secret}"')
    screen.line('and for each sensor, actuator or rig on the network: key = "the peer\'s public key file"')
    return 0


@app.command()
def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of keys, public or secret.")],
) -> int:
    """Show the public key that a file holds, for a rig that takes it as text. A secret key is never shown."""
    from crumple.live.keys import SECRET, read_public, read_secret

    secret = Path(file).name.endswith(SECRET)
    public = read_secret(file)[0] if secret else read_public(file)
    screen = Screen()
    screen.line(public)
    kind = "public key of a pair; the file holds the secret key, too" if secret else "public key"
    screen.line(screen.style(f"{kind}, CURVE, 32 bytes in Z85", "dim"))
    return 0
