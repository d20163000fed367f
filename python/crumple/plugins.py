"""Finding plugins: by entry point in the group `crumple.units`, or by file. Only the one that is named is imported."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crumple.errors import PluginError
from crumple.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint
    from types import ModuleType

GROUP = "crumple.units"


def available_units() -> dict[str, EntryPoint]:
    """All installed plugins by name, not imported. An installed plugin wins over a bundled one of the same name."""
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        other = found.get(entry.name)
        if other is None or _is_bundled(other):
            found[entry.name] = entry
        elif not _is_bundled(entry) and entry.value != other.value:
            raise PluginError(
                f'two installed plugins are named "{entry.name}": {other.value} and {entry.value}.'
                " Uninstall one of them."
            )
    return found


def _bundled_target(name: str) -> str | None:
    """`module:Class` of a bundled plugin, where Crumple's own are the only plugins installed; else None.

    Looks at the entry points of all distributions as plain text, which spares importing importlib.metadata.
    """
    heading = f"[{GROUP}]"
    declared = []
    for folder in map(Path, sys.path):
        for kind in ("dist-info", "egg-info"):
            for file in folder.glob(f"*.{kind}/entry_points.txt"):
                text = file.read_text(encoding="utf-8", errors="replace")
                if heading in text:
                    declared.append((file.parent.name, text))
    if len(declared) != 1 or not declared[0][0].startswith("crumple-"):
        return None
    lines = declared[0][1].split(heading, 1)[1].splitlines()
    for line in lines[1:]:
        if line.startswith("["):
            break
        key, _, value = line.partition("=")
        if key.strip() == name and value.strip().startswith("crumple.bundled."):
            return value.strip()
    return None


def _is_bundled(entry: EntryPoint) -> bool:
    return entry.value.startswith("crumple.")


def entry_points(*, group: str) -> Iterable[EntryPoint]:
    """All entry points of a group. importlib.metadata is imported when needed: it takes 35 ms."""
    import importlib.metadata

    return importlib.metadata.entry_points(group=group)


def find_unit(name: str, *, beside: Path | None = None) -> type[Unit]:
    """The unit class behind a name: an entry point, or "my_file.py:MyUnit".

    beside: folder that a relative file name starts from, by default the working directory.
    Raises PluginError that names what there is.
    """
    if ".py:" in name or name.endswith(".py"):
        return _from_file(name, beside or Path.cwd())
    target = _bundled_target(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        return _checked(getattr(importlib.import_module(module), attribute), name)
    known = available_units()
    entry = known.get(name)
    if entry is None:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = (
            f'Did you mean "{close[0]}"?' if close else f"There are: {', '.join(sorted(known)) or 'none'}."
        )
        raise PluginError(
            f'no plugin "{name}" is installed. {remedy} A file beside the scene is "file.py:Class".'
        )
    try:
        loaded = entry.load()
    except Exception as error:
        raise PluginError(f'plugin "{name}" ({entry.value}) cannot be imported: {_fact(error)}') from error
    return _checked(loaded, name)


def _from_file(name: str, folder: Path) -> type[Unit]:
    file, _, attribute = name.partition(".py:")
    path = Path(file if file.endswith(".py") else file + ".py")
    path = path if path.is_absolute() else folder / path
    if not path.is_file():
        raise PluginError(f'plugin file "{path}" does not exist')
    module = module_of(path.resolve())
    if attribute:
        if not hasattr(module, attribute):
            units = [k for k, v in vars(module).items() if _is_unit(v)]
            close = difflib.get_close_matches(attribute, units, n=1)
            remedy = f'Did you mean "{close[0]}"?' if close else f"It has: {', '.join(units) or 'no unit'}."
            raise PluginError(f'{path.name} has no "{attribute}". {remedy}')
        return _checked(getattr(module, attribute), name)
    own = [v for v in vars(module).values() if _is_unit(v) and v.__module__ == module.__name__]
    if len(own) != 1:
        raise PluginError(f'{path.name} defines {len(own)} units; say which: "{path.name}:Class"')
    return _checked(own[0], name)


def module_of(path: Path) -> ModuleType:
    """The module of a file, imported once, under a name that no other file of the same name can take."""
    name = f"crumple_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(f"{path.name} cannot be imported: {_fact(error)}") from error
    return module


def _fact(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    return f"{type(error).__name__}: {error}" + (f" (line {line})" if isinstance(line, int) else "")


def _is_unit(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Unit) and value is not Unit


def _checked(value: object, name: str) -> type[Unit]:
    if not (isinstance(value, type) and issubclass(value, Unit)):
        raise PluginError(f'plugin "{name}" is {value!r}, which is no subclass of crumple.Unit')
    return value
