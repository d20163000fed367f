"""Vetting: running an FMU through everything that could go wrong, each trial in a process of its own.

`vet` asks for one trial after another and draws conclusions; `rows.py` has what each check says. `bench.py` keeps the
process that forks for each trial, which is `apart.py`. The trials themselves are in `trials.py`, `state.py` and
`calls.py`; `process.py` tells what of a process changed; `confine.py` keeps a trial from harming others.

In a trial the FMU runs as it would in the world's process, since that is what a certificate allows: with a Python
interpreter beside it, and with nothing in between.
"""

from crumple.vetting.verdicts import VettingError, vet

__all__ = ["VettingError", "vet"]
