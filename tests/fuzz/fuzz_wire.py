"""Try to break the codec of the wire: frames that are bent by a coverage-guided fuzzer (atheris).

    pip install atheris                       # Python up to 3.13
    python tests/fuzz/fuzz_wire.py --seconds 60
    python tests/fuzz/fuzz_wire.py --runs 100000 --seed 1

Python's codec is compared with the core's on each frame. Starts from tests/fuzz/wire_corpus and keeps what it finds in
a folder of its own (--found), where an input that broke something is called crash-... Exit code 0: nothing was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

with atheris.instrument_imports(include=["crumple.live", "wire_targets"]):
    import wire_targets


def main() -> None:
    """Run the fuzzer; libFuzzer ends the process."""
    asked = argparse.ArgumentParser(description="Try to break the codec of the wire.")
    asked.add_argument("--seconds", type=int, default=0, help="0: no end by time")
    asked.add_argument("--runs", type=int, default=-1, help="-1: no end by number")
    asked.add_argument("--seed", type=int, default=0, help="0: another each time")
    asked.add_argument("--found", type=Path, help="folder for what is found; default: a new one")
    asked.add_argument("--corpus", type=Path, default=HERE / "wire_corpus")
    given = asked.parse_args()
    found = given.found or Path(tempfile.mkdtemp(prefix="crumple-found-"))
    found.mkdir(parents=True, exist_ok=True)
    print(f"what is found: {found}", flush=True)

    def one(data: bytes) -> None:
        wire_targets.check(data)

    atheris.Setup(
        [
            sys.argv[0],
            str(found),
            str(given.corpus),
            f"-max_total_time={given.seconds}",
            f"-runs={given.runs}",
            f"-seed={given.seed}",
            f"-artifact_prefix={found}/",
            "-max_len=4096",
            "-timeout=10",
            "-print_final_stats=1",
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
