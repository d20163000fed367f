"""The worker's end in Python: `python -m crumple.isolated plugin|fmu`, started by the core, which it then serves."""

from __future__ import annotations

import importlib
import pickle
import sys
from operator import attrgetter
from pathlib import Path

from crumple import _core

MEMORY = 3  # file descriptor of the shared memory


def make_plugin(recipe: bytes) -> _core.UnitHolder:
    """The plugin of a recipe, see crumple.worker.plugin_recipe."""
    path, module_name, file, name, held = pickle.loads(recipe)
    sys.path[:] = path
    try:
        module = importlib.import_module(module_name)
    except ImportError:  # a plugin by file name has a module name that no import finds
        if file is None:
            raise
        from crumple.plugins import module_of

        module = module_of(Path(file))
    cls = attrgetter(name)(module)
    instance = cls.__new__(cls)
    instance.__dict__.update(pickle.loads(held))
    return _core.make_python_unit(instance, name)


def traceback_text(error: BaseException) -> str:
    """The traceback of what a plugin raised, its own frames only; called by the core."""
    from crumple.errors import StepError
    from crumple.tracebacks import plugin_traceback

    placed = StepError("", "", -1, 0.0, "")
    placed.__cause__ = error.__cause__ if isinstance(error, StepError) else error
    return "\n".join(plugin_traceback(placed))


def main() -> int:
    """Serves until the host says quit."""
    makers = {"plugin": make_plugin, "fmu": _core.make_fmu_from_recipe}
    if sys.argv[1:2] and sys.argv[1] in makers:
        return _core.serve(MEMORY, makers[sys.argv[1]])
    print("usage: started by the core with its shared memory as file descriptor 3", file=sys.stderr)
    return 2


if __name__ == "__main__":
    import os

    code = main()
    sys.stdout.flush()
    os._exit(code)  # no exit handlers: those of a plugin are of no interest any more
