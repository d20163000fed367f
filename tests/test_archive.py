"""Opening FMUs: what is unpacked, what is refused, what is remembered."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from crumple import archive as mut
from crumple.archive import library_path, open_fmu, require_cosimulation, summary
from crumple.errors import FmuError
from paper_fmu import CONTENT, HERE, LIBRARY, SUFFIX, XML, fmu_bytes, forget, write_fmu

pytestmark = pytest.mark.usefixtures("fmu_cache")


# ---- first and second sight


def test_an_fmu_is_unpacked_under_its_hash_and_described(lag: Path, fmu_cache: Path) -> None:
    archive = open_fmu(lag)
    assert archive.directory == fmu_cache / "fmu" / archive.sha256[:32]
    assert (archive.directory / LIBRARY).read_bytes() == CONTENT
    assert library_path(archive) == archive.directory / LIBRARY
    assert [v.name for v in archive.description.variables] == ["u", "x"]
    assert archive.description.outputs == {"x": ["u"]}
    assert archive.description.warnings == []
    assert archive.path == lag


def test_within_a_process_a_file_is_read_once(
    lag: Path, parsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_fmu(lag)
    monkeypatch.setattr(mut, "_look_into", lambda *_: pytest.fail("the file was opened again"))
    assert open_fmu(lag) is first
    assert open_fmu(str(lag)) is first
    assert len(parsed) == 1


def test_a_file_that_changed_is_read_again(lag: Path) -> None:
    first = open_fmu(lag)
    lag.write_bytes(fmu_bytes({"resources/table.txt": "4 5 6\n"}))
    second = open_fmu(lag)
    assert second.sha256 != first.sha256
    assert (second.directory / "resources/table.txt").read_text() == "4 5 6\n"


def test_a_new_process_decodes_and_does_not_parse(lag: Path, parsed: list[int]) -> None:
    first = open_fmu(lag)
    forget()
    second = open_fmu(lag)
    assert second == first
    assert len(parsed) == 1


def in_fresh_interpreter(code: str) -> str:
    paths = [str(Path(mut.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_the_second_sight_imports_neither_fmpy_nor_lxml(lag: Path) -> None:
    code = (
        "import sys; from crumple.archive import open_fmu, library_path; "
        f"a = open_fmu({str(lag)!r}); library_path(a); "
        "print(len(a.description.variables), sorted({'fmpy', 'lxml', 'numpy'} & set(sys.modules)))"
    )
    assert in_fresh_interpreter(code) == "2 ['fmpy', 'lxml', 'numpy']"
    assert in_fresh_interpreter(code) == "2 []"


def test_the_description_module_is_light() -> None:
    code = (
        "import sys; import crumple.description; "
        "print(sorted({'fmpy', 'lxml', 'numpy', 'pydantic', 'zipfile'} & set(sys.modules)))"
    )
    assert in_fresh_interpreter(code) == "[]"


def test_the_same_file_under_two_names_is_unpacked_once(lag: Path, tmp_path: Path, parsed: list[int]) -> None:
    other = write_fmu(tmp_path, lag.read_bytes(), "Größe (2).fmu")
    assert open_fmu(other).directory == open_fmu(lag).directory
    assert len(parsed) == 1


# ---- what is refused


def test_nothing_is_written_of_an_archive_that_is_refused(tmp_path: Path) -> None:
    path = write_fmu(tmp_path, fmu_bytes({"a.txt": "x", "../evil": "x"}))
    with pytest.raises(FmuError, match=r"odd\.fmu: .*leads outside"):
        open_fmu(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["odd.fmu"], "not even the cache"


@pytest.mark.parametrize("identifier", ["../lag", "a/b", "a\\b", "C:lag", "..", "/etc/lag"])
def test_a_model_identifier_that_leads_outside_is_refused(tmp_path: Path, identifier: str) -> None:
    path = write_fmu(tmp_path, fmu_bytes(xml=XML.replace('"lag"', f'"{identifier}"')))
    with pytest.raises(FmuError, match="no plain file name"):
        open_fmu(path)


def test_what_is_odd_in_the_archive_is_a_warning_that_is_kept(tmp_path: Path) -> None:
    path = write_fmu(tmp_path, fmu_bytes({"resources\\a.txt": "x"}), "Prüfling 表.fmu")
    archive = open_fmu(path)
    assert ["backslashes" in w for w in archive.description.warnings] == [True]
    assert archive.directory.name.isascii()
    forget()
    assert open_fmu(path).description.warnings == archive.description.warnings
    with pytest.raises(FmuError, match="strict was asked for"):
        open_fmu(path, strict=True)


# ---- what is no FMU


def test_a_missing_file_is_named_with_the_nearest(lag: Path) -> None:
    with pytest.raises(FmuError, match=r"lug\.fmu: there is no such FMU\. Did you mean .*lag\.fmu"):
        open_fmu(lag.with_name("lug.fmu"))
    with pytest.raises(FmuError, match=r"Did you mean .*lag\.fmu"):
        open_fmu(lag.with_name("lag"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<html>not found</html>", "no FMU: an FMU is a ZIP archive"),
        (fmu_bytes()[:-40], "damaged or cut short"),
        (fmu_bytes()[:400], "damaged or cut short"),
    ],
)
def test_a_file_that_is_no_archive_is_said_to_be_so(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(FmuError, match=f"odd.fmu: .*{says}"):
        open_fmu(write_fmu(tmp_path, content))


def test_a_flipped_bit_in_a_member_is_noticed(tmp_path: Path, fmu_cache: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as file:
        file.writestr("modelDescription.xml", XML)
        file.writestr(LIBRARY, CONTENT)
    content = bytearray(held.getvalue())
    content[content.index(CONTENT) + 5] ^= 1
    with pytest.raises(FmuError, match=f"damaged: member .{LIBRARY}"):
        open_fmu(write_fmu(tmp_path, bytes(content)))
    assert list((fmu_cache / "fmu").iterdir()) == []


def test_a_packed_folder_is_told_from_an_fmu(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("lag/modelDescription.xml", XML)
    with pytest.raises(FmuError, match="pack the folder's contents"):
        open_fmu(write_fmu(tmp_path, held.getvalue()))
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a.txt", "")
    with pytest.raises(FmuError, match=r"no modelDescription\.xml: it is no FMU"):
        open_fmu(write_fmu(tmp_path, held.getvalue(), "other.fmu"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fmu")
    with pytest.raises(FmuError, match="neither a file nor a folder"):
        open_fmu(tmp_path / "pipe.fmu")


# ---- folders


def test_a_folder_with_an_unpacked_fmu_is_used_in_place(lag: Path, tmp_path: Path, parsed: list[int]) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(lag) as file:
        file.extractall(folder)
    archive = open_fmu(folder)
    assert archive.directory == folder
    assert library_path(archive) == folder / LIBRARY
    assert archive.description == open_fmu(lag).description
    assert len(parsed) == 2
    assert open_fmu(folder) is archive
    forget()
    assert open_fmu(folder) == archive
    assert len(parsed) == 2, "the description is kept by the hash of the folder's contents"
    (folder / "modelDescription.xml").write_text(XML.replace("Lag", "Lead"))
    assert open_fmu(folder).description.model_name == "Lead"
    with pytest.raises(FmuError, match=r"holds no modelDescription\.xml"):
        open_fmu(tmp_path)


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert mut.cache_root() == tmp_path / "cache"
    monkeypatch.delenv("CRUMPLE_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert mut.cache_root() == tmp_path / ".cache" / "crumple"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and owners")
def test_without_a_home_the_cache_is_a_folder_that_belongs_to_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("CRUMPLE_CACHE")
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = mut.cache_root()
    assert root.parent == tmp_path
    assert root.stat().st_mode & 0o777 == 0o700
    assert mut.cache_root() == root
    root.rmdir()
    (tmp_path / "trap").mkdir()
    root.symlink_to(tmp_path / "trap")
    with pytest.raises(FmuError, match=r"belongs to someone else\. Set CRUMPLE_CACHE"):
        mut.cache_root()


# ---- the library


def opened_with(tmp_path: Path, *libraries: str, sources: bool = False) -> mut.Archive:
    members: dict[str, bytes | str] = dict.fromkeys(libraries, CONTENT)
    if sources:
        members["sources/lag.c"] = "int x;\n"
    return open_fmu(write_fmu(tmp_path, fmu_bytes(members, library="")))


def test_a_library_of_another_name_is_used_where_it_is_the_only_one(tmp_path: Path) -> None:
    archive = opened_with(tmp_path, f"binaries/{HERE}/foo{SUFFIX}", f"binaries/{HERE}/foo.libs")
    assert library_path(archive).name == f"foo{SUFFIX}"
    (warning,) = archive.description.warnings
    assert f'"foo{SUFFIX}" is used' in warning and f'no "lag{SUFFIX}"' in warning
    with pytest.raises(FmuError, match="is used"):
        open_fmu(archive.path, strict=True)


def test_among_other_libraries_the_one_of_nearly_the_name_is_used(tmp_path: Path) -> None:
    archive = opened_with(tmp_path, f"binaries/{HERE}/libLag{SUFFIX}", f"binaries/{HERE}/solver{SUFFIX}")
    assert library_path(archive).name == f"libLag{SUFFIX}"


def test_among_other_libraries_none_is_guessed(tmp_path: Path) -> None:
    archive = opened_with(tmp_path, f"binaries/{HERE}/a{SUFFIX}", f"binaries/{HERE}/b{SUFFIX}")
    with pytest.raises(FmuError, match=rf"2 others: a\{SUFFIX}, b\{SUFFIX}"):
        library_path(archive)


def test_an_fmu_for_other_platforms_names_them(tmp_path: Path) -> None:
    archive = opened_with(tmp_path, "binaries/win16/lag.dll", "binaries/os2/lag.dll")
    with pytest.raises(FmuError, match=r"those for os2, win16\. It holds no sources"):
        library_path(archive)


def test_an_fmu_of_sources_says_so(tmp_path: Path) -> None:
    archive = opened_with(tmp_path, sources=True)
    with pytest.raises(FmuError, match=rf"nor for any other\. Its sources are there.*{HERE}/lag"):
        library_path(archive)


# ---- what cannot be run can still be shown


def test_an_fmu_for_model_exchange_only_is_opened_and_not_run(tmp_path: Path) -> None:
    xml = XML.replace("<CoSimulation", "<ModelExchange").replace(
        ' canHandleVariableCommunicationStepSize="true"', ""
    )
    archive = open_fmu(write_fmu(tmp_path, fmu_bytes(xml=xml)))
    assert archive.description.kinds == ["ModelExchange"]
    assert archive.description.identifier is None
    for use in (require_cosimulation, library_path):
        with pytest.raises(
            FmuError, match=r"odd\.fmu: this FMU offers Model Exchange of FMI 2\.0 only\. Crumple runs"
        ):
            use(archive)
    assert summary(archive)["library"] is None


def test_a_summary_is_plain_values(lag: Path) -> None:
    found = summary(open_fmu(lag))
    assert found["kinds"] == ["CoSimulation"]
    assert found["variables"] == {"input": 1, "output": 1}
    assert found["platforms"] == [HERE]
    assert found["library"].endswith(LIBRARY)
    assert found["warnings"] == []
