"""README and guides: every block does what the page says, every link leads somewhere, every picture is of now.

What a block is follows from its language and its first line:

- one that begins with a comment that is a file's name, such as `# wall.toml`, is that file;
- other `python` blocks run, one after the other; a `text` block right behind one is what it prints;
- `console` blocks are commands after `$ ` with what they print. A line `...` stands for any lines. A command
  succeeds unless `$ echo $?` behind it says otherwise. Those of the README are given to a shell; of the guides'
  only what is more than a plain call of `crumple`, or ends its process: to start one takes longer than most runs;
- `sh` blocks are not run: they install things.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from command import called

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [
    *PAGES,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "scenes" / "README.md",
    ROOT / "scenes" / "rigs" / "README.md",
]
PICTURES = ROOT / "docs" / "pictures"
HOME = "/home/me"  # where a page says that one is

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLAIN = re.compile(r"crumple [^|&;<>$*\\]+")
_FILE = re.compile(r"# ([\w./-]+\.[a-z]+)\n")
_VARIES = (  # differs from run to run
    (re.compile(r"in [\d,.]+ (?:s|ms|µs) \([\d,.]+ x real time\)"), "in a while"),
    (re.compile(r"in [\d,.]+ (?:s|ms) \([\d,.]+/s\)"), "in a while"),
    (re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}(?:-\d+)?"), "<run>"),
    (re.compile(r"passed in \d+\.\d+s"), "passed"),
    (re.compile(r"sealed \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "sealed <time>"),
    (re.compile(r"seal [0-9a-f]{64}"), "seal <hash>"),
    (re.compile(r"[\d,]+ bytes: every bit"), "<bytes>: every bit"),
)


@dataclass(frozen=True)
class Block:
    """A block of a page. line: where its content begins."""

    language: str
    content: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start(2)))


def plain(text: str) -> str:
    """A text without what differs from run to run, and without differences of space."""
    text = text.replace(str(Path.cwd()), HOME)
    for varies, name in _VARIES:
        text = varies.sub(name, text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def assert_prints(shown: str, said: str, place: str) -> None:
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in plain(said).splitlines()
    )
    same = re.fullmatch(pattern, plain(shown) + "\n") is not None
    assert same, f"{place} prints\n{shown}\nand the page says\n{said}"


def in_shell(command: str) -> tuple[int, str]:
    """Exit code of a command, and what it prints."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, shell=True, env={**os.environ, "PATH": path, "NO_COLOR": "1"}, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def here(command: str) -> tuple[int, str]:
    """The same of a plain call of `crumple`, in this process."""
    shown = called(*shlex.split(command)[1:], NO_COLOR="1")
    return shown.code, shown.out + shown.err


def run_console(block: Block, place: str) -> None:
    """The commands of a block, one by one, with what the page says that they print."""
    code = 0
    steps = re.split(r"^\$ ", block.content, flags=re.MULTILINE)
    assert steps[0] == "", f"{place} begins with a command"
    commands = [step.partition("\n")[::2] for step in steps[1:]]
    for (command, said), (following, _) in pairwise([*commands, ("", "")]):
        if command == "echo $?":
            assert said.strip() == str(code), f"{place}: exit code {code}"
            continue
        plain_call = _PLAIN.fullmatch(command) and "cut off" not in said and not place.startswith("README")
        way = here if plain_call else in_shell
        code, shown = way(command)
        assert_prints(shown, said, f"{place}: {command}")
        assert code == 0 or following == "echo $?", f"{place}: {command} has exit code {code}\n{shown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_does_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "CRUMPLE_CACHE", str(tmp_path / ".cache")
    )  # what a page certifies, no other test may see
    names: dict[str, object] = {"__name__": page.stem}
    for block, following in pairwise([*blocks(page), Block("", "", 0)]):
        place = f"{page.name}:{block.line}"
        file = _FILE.match(block.content)
        if file:
            Path(file[1]).write_text(block.content, encoding="utf-8")
        elif block.language == "python":
            printed = io.StringIO()
            with redirect_stdout(printed):
                exec(compile("\n" * block.line + block.content, str(page), "exec"), names)
            assert_prints(
                printed.getvalue(), following.content if following.language == "text" else "...", place
            )
        elif block.language == "console":
            run_console(block, place)
        else:
            assert block.language in ("text", "sh", "toml"), f"{place}: what is {block.language}?"


def test_the_two_commands_stand_in_the_readme_each_on_one_line() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"python3 -m venv \.venv && .*", text)[:2] == [
        "python3 -m venv .venv && .venv/bin/pip install '.[report]' && .venv/bin/crumple run frontal_barrier",
        "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest -n auto --dist loadfile",
    ]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(
        r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for target in re.findall(r"\]\(([^)]+)\)", text):  # not those in code: always[0, 1 s](...) is no link
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{page.name} links to {target}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures as they are drawn now."""
    pytest.importorskip("pty", reason="the pictures of a terminal need one")
    folder = tmp_path_factory.mktemp("pictures")
    script = ROOT / "docs" / "make_pictures.py"
    subprocess.run([sys.executable, "-B", str(script), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.mark.parametrize("name", ["crash.svg", "graph.svg", "terminal.svg", "terminal_fail.svg"])
def test_a_picture_shows_what_a_run_gives_now(name: str, drawn: Path) -> None:
    """Every word and figure in it; lines may differ by the rounding of another machine."""
    now, kept = (
        [
            plain(text.text or "")
            for text in ElementTree.parse(folder / name).iter("{http://www.w3.org/2000/svg}text")
        ]
        for folder in (drawn, PICTURES)
    )
    assert [text for text in now if "digest" not in text] == [
        text for text in kept if "digest" not in text
    ], "draw the pictures again: python docs/make_pictures.py"
