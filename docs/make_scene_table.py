"""Puts the table of scenes into the README: what each matches, and how closely, computed now.

    python docs/make_scene_table.py            write it
    python docs/make_scene_table.py --check    exit with 1 where the README says something else
    python docs/make_scene_table.py cut_in     print the figures of one scene

The figures come from docs/matches/<scene>.py, each of which runs its scene. Some need the reference data that
CRUMPLE_REFERENCE_DATA names, by default ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BEGIN, END = "<!-- scenes: begin -->", "<!-- scenes: end -->"

sys.path.insert(0, str(DOCS))


def scenes() -> list[str]:
    """Names of all bundled scenes."""
    return sorted(path.stem for path in (ROOT / "scenes").glob("*.toml"))


def rows(scene: str) -> list[str]:
    """The rows of one scene."""
    found = importlib.import_module(f"matches.{scene}").figures()
    names = [f"[{scene}](docs/scenes/{scene}.md)", *[""] * (len(found) - 1)]
    return [
        f"| {name} | {f.what} | {f.published} ({f.source}) | {f.ours} | {f.off} |"
        for name, f in zip(names, found, strict=True)
    ]


def table() -> str:
    """The whole table in Markdown."""
    lines = [
        "| scene | what is compared | published or measured | the scene | off by |",
        "|---|---|---|---|---|",
    ]
    for scene in scenes():
        lines += rows(scene)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene", nargs="?", help="print the figures of this one alone")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where the README differs"
    )
    given = parser.parse_args()
    if given.scene:
        print("\n".join(rows(given.scene)))
        return 0
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md lacks {BEGIN} or {END}")
    new = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if given.check:
        return 0 if new == text else 1
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
