"""The commands of `crumple`. A command's module is imported when it is called, so that `--help` is quick."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

# name: (module, line for the list of commands). The module holds a function or a typer.Typer of that name.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("crumple.cli.run", "Run a scene and give its verdict."),
    "cases": ("crumple.cli.cases", "Run a scene once for each row of a table."),
    "show": ("crumple.cli.show", "Show a past run: verdict, evidence, files."),
    "verify": ("crumple.cli.verify", "Find out whether a run folder is as it was written."),
    "check": ("crumple.cli.check", "Find all mistakes in a scene without running it."),
    "list": ("crumple.cli.catalogue", "List scenes, units and metrics."),
    "metrics": ("crumple.cli.metrics", "List the metrics, or explain one."),
    "faults": ("crumple.cli.faults", "List a scene's faults, and what can be disturbed where."),
    "graph": ("crumple.cli.graph", "Show a scene's units, connections, waves and delays."),
    "schema": ("crumple.cli.schema", "Print the JSON Schema of scene files."),
    "info": ("crumple.cli.info", "Show what an FMU or a scene is and has."),
    "simulate": ("crumple.cli.simulate", "Run one FMU without a scene."),
    "vet": ("crumple.cli.vet", "Find out what an FMU does to its process, and certify it."),
    "doctor": ("crumple.cli.doctor", "Show what this machine has, with remedies."),
    "new": ("crumple.cli.new", "Start a plugin of your own."),
    "view": ("crumple.cli.view", "Look at a run, while it goes on or after."),
    "report": ("crumple.cli.report", "Write a run as one HTML page, for those who were not there."),
    "compare": ("crumple.cli.compare", "Show where two runs part, and what that changed."),
    "replay": ("crumple.cli.replay", "Run a past run again, bit for bit, without its rigs."),
    "tape": ("crumple.cli.tape", "Make and inspect tapes of live inputs."),
    "play": ("crumple.cli.play", "Publish a tape as a rig would."),
    "keys": ("crumple.cli.keys", "Make keys for rigs that are not on this machine."),
    "cache": ("crumple.cli.cache", "List or clear what is kept of FMUs."),
}
_ATTRIBUTES = {
    "list": "list_",
    "new": "app",
    "cache": "app",
    "tape": "app",
    "keys": "app",
}  # where the name is not the attribute


class _Command(TyperCommand):
    """A command whose texts cost nothing to read. See `_spare_pydantic`."""

    def get_params(self, ctx: Any) -> Any:
        function = getattr(self.callback, "__wrapped__", self.callback)
        hints = get_type_hints(function)
        texts = {name for name, hint in hints.items() if {hint, *get_args(hint)} & {str, list[str]}}
        return _spare_pydantic(super().get_params(ctx), texts=texts)


def _spare_pydantic(parameters: Any, *, texts: set[str]) -> Any:
    """Spare a command the import of pydantic, by which typer converts arguments: a tenth of a second of CPU.

    What is declared as a text, or was not given, needs no conversion. Everything else takes typer's way.
    """
    for parameter in parameters:
        parameter.process_value = _plainly(parameter, is_text=parameter.name in texts)
    return parameters


def _plainly(parameter: Any, *, is_text: bool) -> Callable[[Any, Any], Any]:
    convert = type(parameter).process_value

    def process(ctx: Any, value: Any) -> Any:
        missing = value is None or value in ((), [])
        if (missing and parameter.required) or not (missing or is_text):
            return convert(parameter, ctx, value)
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    return process


class _Commands(TyperGroup):
    """Knows its commands by name and imports the one that is asked for."""

    def get_params(self, ctx: Any) -> Any:
        return _spare_pydantic(super().get_params(ctx), texts=set())

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(COMMANDS[cmd_name][0]), _ATTRIBUTES.get(cmd_name, cmd_name))
        if isinstance(found, typer.Typer):
            single = found
        else:
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(cls=_Command)(found)
        command = typer.main.get_command(single)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f'No command "{name}". {hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
)


_INTERRUPTED = 130  # typer's own exit code for Ctrl-C


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"crumple {version('crumple')}")
        raise typer.Exit(0)


@app.callback(context_settings={"help_option_names": ["-h", "--help"]})
def crumple(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Break it here first: run hazardous scenarios virtually, and get a verdict that can be defended."""


def invoke(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code. Nothing that a user can cause gives a traceback."""
    from crumple.cli import failures

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show "≤" shows "?"
            stream.reconfigure(errors="replace")
    try:
        code = typer.main.get_command(app)(arguments, prog_name="crumple", standalone_mode=False)
    except BaseException as error:
        code = failures.report(error)
    if code == _INTERRUPTED:
        code = failures.report(KeyboardInterrupt())
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the command `crumple`."""
    from crumple.cli.supervise import tell_code

    code = invoke()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (
            OSError,
            ValueError,
        ):  # the reader is gone, or a unit closed it; the verdict stands all the same
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    tell_code(code)
    sys.exit(code)
