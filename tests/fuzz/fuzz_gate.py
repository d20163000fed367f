"""Try to break the gate: FMUs and descriptions that are bent by a coverage-guided fuzzer (atheris).

    pip install atheris                       # Python up to 3.13
    python tests/fuzz/fuzz_gate.py --seconds 60
    python tests/fuzz/fuzz_gate.py --runs 2000 --seed 1

Starts from tests/fuzz/corpus and keeps what it finds in a folder of its own (--found), where an input that broke
something is called crash-..., timeout-... or oom-.... Exit code 0: nothing was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

with atheris.instrument_imports(include=["crumple", "fmpy.model_description", "fmpy.validation", "targets"]):
    import fmpy.model_description
    import fmpy.validation  # noqa: F401  # imported when first needed, which would be too late
    import targets
    from bend import bend_xml


def bent(data: bytes, most: int, seed: int) -> bytes:
    """An input that differs from `data` in one thing: of the elements where it is XML, else of the bytes."""
    dice = random.Random(seed)
    if data[:1] != b"<" or dice.random() < 0.3:
        return bytes(atheris.Mutate(data, most))
    return bend_xml(data, dice)[:most]


def main() -> None:
    """Run the fuzzer; libFuzzer ends the process."""
    asked = argparse.ArgumentParser(description="Try to break the gate.")
    asked.add_argument("--seconds", type=int, default=0, help="0: no end by time")
    asked.add_argument("--runs", type=int, default=-1, help="-1: no end by number")
    asked.add_argument("--seed", type=int, default=0, help="0: another each time")
    asked.add_argument("--found", type=Path, help="folder for what is found; default: a new one")
    asked.add_argument("--corpus", type=Path, default=HERE / "corpus")
    given = asked.parse_args()
    found = given.found or Path(tempfile.mkdtemp(prefix="crumple-found-"))
    found.mkdir(parents=True, exist_ok=True)
    print(f"what is found: {found}", flush=True)
    with targets.sandbox() as folder:
        os.environ["CRUMPLE_CACHE"] = str(folder / "cache")

        def one(data: bytes) -> None:
            targets.check(data, folder)

        atheris.Setup(
            [
                sys.argv[0],
                str(found),
                str(given.corpus),
                f"-max_total_time={given.seconds}",
                f"-runs={given.runs}",
                f"-seed={given.seed}",
                f"-artifact_prefix={found}/",
                f"-dict={HERE / 'words.dict'}",
                "-max_len=65536",
                "-timeout=30",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
            ],
            one,
            custom_mutator=bent,
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
