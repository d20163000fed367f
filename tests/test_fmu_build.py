"""The test FMUs do what their registry says, seen by FMPy, an importer that is not ours."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fmpy import calloc, extract, free, read_model_description, simulate_fmu
from fmpy.fmi2 import (
    FMU2Slave,
    fmi2CallbackAllocateMemoryTYPE,
    fmi2CallbackFreeMemoryTYPE,
    fmi2CallbackFunctions,
    fmi2CallbackLoggerTYPE,
)
from fmpy.fmi3 import FMU3Slave
from lark import Lark
from lxml import etree
from numpy.typing import NDArray

import fmu_build
from fmu_build import VARIANTS, build_fmu, build_library, description_text

H = 0.125  # s, a power of two: sums of it are exact
STEPS = 6
# FMPy lets two faults pass: an attribute more in FMI 3, as its schema does, and two units with one name.
FAULTY = {
    name
    for name, v in VARIANTS.items()
    if name.startswith("xml_") and not v.doc.endswith("legal") and name[:-1] != "xml_no_co_simulation"
} - {"xml_unknown_attribute3", "xml_duplicate_units2", "xml_duplicate_units3"}


def simulate(name: str, *, h: float = H, **more: Any) -> NDArray[Any]:
    """Six steps of the FMU by FMPy, with every output recorded."""
    result = simulate_fmu(
        str(build_fmu(name)),
        validate=False,
        start_time=0.0,
        stop_time=STEPS * h,
        step_size=h,
        output_interval=h,
        logger=lambda *_: None,
        **more,
    )
    assert isinstance(result, np.ndarray)
    return result


# FMPy's own logger for FMI 2 lives no longer than the last simulate_fmu.
CALLBACKS = fmi2CallbackFunctions(
    fmi2CallbackLoggerTYPE(lambda *_: None),
    fmi2CallbackAllocateMemoryTYPE(calloc),
    fmi2CallbackFreeMemoryTYPE(free),
)


class Session:
    """Instances of one FMU in one loaded library, driven call by call through FMPy."""

    def __init__(self, name: str, folder: Path) -> None:
        self.unpacked = extract(str(build_fmu(name)), unzipdir=str(folder / name))
        self.description = read_model_description(self.unpacked, validate=False)
        self.fmi = VARIANTS[name].fmi

    def instance(self) -> Any:
        """A new instance, not yet initialized; all share what the system shares of one library file."""
        kind = {2: FMU2Slave, 3: FMU3Slave}[self.fmi]
        fmu = kind(
            guid=self.description.guid,
            unzipDirectory=self.unpacked,
            modelIdentifier=self.description.coSimulation.modelIdentifier,
            instanceName="unit",
        )
        if self.fmi == 2:
            fmu.instantiate(callbacks=CALLBACKS)
        else:
            fmu.instantiate()
        return fmu

    def started(self) -> Any:
        fmu = self.instance()
        if self.fmi == 2:
            fmu.setupExperiment(startTime=0.0)
        fmu.enterInitializationMode()
        fmu.exitInitializationMode()
        return fmu

    def read(self, fmu: Any, ref: int) -> float:
        values = fmu.getReal([ref]) if self.fmi == 2 else fmu.getFloat64([ref])
        return float(values[0])


# ---- building ---------------------------------------------------------------------------------------------


def test_the_same_fmu_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRUMPLE_TEST_FMUS", str(tmp_path))
    path = build_fmu("plain2")
    content = path.read_bytes()
    monkeypatch.setattr(subprocess, "run", None)  # no compiler can be called any more
    assert build_fmu("plain2") == path
    assert path.read_bytes() == content
    assert [p.suffix for p in tmp_path.rglob("*.*")].count(".fmu") == 1
    assert not list(tmp_path.rglob("*.part"))


def test_one_library_serves_all_descriptions_of_it() -> None:
    assert build_library("all_types2") == build_library("units2") == build_library("xml_wrong_order2")
    assert build_library("plain2") != build_library("step_error2")


def test_a_bare_name_means_fmi_2_and_an_unknown_one_names_its_neighbours() -> None:
    assert build_fmu("nan_output") == build_fmu("nan_output2")
    with pytest.raises(KeyError, match=r"near: step_error2"):
        build_fmu("step_eror2")


@pytest.mark.parametrize("source", sorted({v.source for v in VARIANTS.values()} | {"rest2.c", "rest3.c"}))
def test_a_source_compiles_without_a_warning(source: str) -> None:
    flags = (*fmu_build.FLAGS, "-Werror", "-fsyntax-only")
    file = str(fmu_build.SOURCES / source)
    for defines in ([], ["-DSTRICT=1"], ["-DREAL_ONLY=1"], ["-DPORTS=32"]):
        command = [*fmu_build.c_compiler().split(), *flags, *defines, f"-I{fmu_build.HEADERS}", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["sources.cmake", "README.md"])
def test_what_is_generated_is_up_to_date(file: str) -> None:
    text = (fmu_build.SOURCES / file).read_text(encoding="utf-8")
    assert text == fmu_build.generated(file), "run: python tests/fmu_build.py --write"


@pytest.fixture(scope="module")
def grammars_read_once() -> Iterator[None]:
    """FMPy reads schema and grammar anew for every description, which takes most of the time of a validation."""

    @functools.cache
    def parser(grammar: str, *, start: str) -> Lark:
        made = Lark(grammar, start=start)
        made.parse = functools.cache(made.parse)  # descriptions have many names in common
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lxml.etree.XMLSchema", functools.cache(etree.XMLSchema))
        patch.setattr("lark.Lark", parser)
        yield


@pytest.mark.usefixtures("grammars_read_once")
@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_description_is_valid_unless_its_fault_is_meant(name: str, tmp_path: Path) -> None:
    variant = VARIANTS[name]
    file = tmp_path / "modelDescription.xml"
    file.write_bytes(description_text(variant).encode(variant.encoding))
    checks = {"validate": True, "validate_variable_names": True, "validate_model_structure": True}
    if name in FAULTY:
        with pytest.raises(Exception, match=r"(line|Line) \d+|problem"):
            read_model_description(str(file), **checks)
    else:
        assert read_model_description(str(file), **checks).modelName in name


# ---- those that behave ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_lag_follows_its_closed_form(fmi: int) -> None:
    y = simulate(f"lag{fmi}")["y"]
    assert y.tolist() == [(1.0 - H) ** n for n in range(STEPS + 1)]  # Euler on x' = -x, exact in binary


def test_both_versions_of_the_lag_give_the_same_bits() -> None:
    start = {"tau": 0.3, "substeps": 7.0, "x0": 0.1, "u[5]": 0.7}
    two, three = (simulate(f"ports{fmi}", start_values=start) for fmi in (2, 3))
    assert two.dtype.names == three.dtype.names
    assert two.tolist() == three.tolist()
    assert len(two.dtype.names or ()) == 1 + 32
    assert two["y[5]"][-1] > two["y[4]"][-1]


INTEGRATORS = """
    plain2 plain3 strict2 strict3 strict_once2 strict_once3 strict_early3 strict_event_mode3 step_early3
    step_warning2 step_warning3 no_zero_length2 no_zero_length3 log_thread2 log_thread3 needs_tool2
"""


@pytest.mark.parametrize("name", INTEGRATORS.split())
def test_the_integrator_is_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRUMPLE_TEST_FMU_REPORT", str(tmp_path / "report"))
    result = simulate(name, start_values={"k": 2.0, "x0": -1.0})
    assert result["y"].tolist() == [2.0 * H * n - 1.0 for n in range(STEPS + 1)]
    assert result["n"].tolist() == list(range(STEPS + 1))
    assert not (tmp_path / "report").exists()  # the strict ones found no illegal call


def test_every_type_of_fmi_2_passes_through() -> None:
    start = {
        "Real_in": -0.1,
        "Integer_in": 123,
        "Boolean_in": False,
        "Enumeration_in": 5,
        "gain": 3.0,
        "bias": 1.0,
    }
    last = simulate("all_types2", start_values=start)[-1]
    assert last["Real_out"] == -0.1
    assert last["Integer_out"] == 123
    assert not last["Boolean_out"]
    assert last["Enumeration_out"] == 5
    assert last["y"] == 3.0 * -0.1 + 1.0


def test_every_type_of_fmi_3_passes_through() -> None:
    last = simulate("all_types3")[-1]
    assert last["Int64_1d_out"].tolist() == [-1, 0, 9007199254740991]
    assert last["UInt64_out"] == 9007199254740991
    assert last["Int8_2d_out"].tolist() == [[-1, 0, 127], [-1, 0, 127]]
    assert last["Float32_out"].dtype == np.float32
    assert last["Boolean_1d_out"].tolist() == [True, False, True]
    assert last["Enumeration_2d_out"].tolist() == [[1, 2, 5], [1, 2, 5]]
    assert last["sum"] == 6.0


@pytest.mark.parametrize("name", ["all_types2", "all_types3", "volatile_strings2", "volatile_strings3"])
def test_strings_pass_through(name: str, tmp_path: Path) -> None:
    def text(value: bytes | str) -> str:  # FMPy gives bytes for FMI 2
        return value if isinstance(value, str) else value.decode()

    session = Session(name, tmp_path)
    fmu = session.instance()
    into, out = {2: (0, 100), 3: (12, 112)}[session.fmi]
    assert text(fmu.getString([out])[0]) == "grüße & <tags>"
    fmu.setString([into], ["ünïcode"])
    assert text(fmu.getString([out])[0]) == "ünïcode"


def test_a_volatile_string_is_overwritten_by_the_next_call(tmp_path: Path) -> None:
    for name, kept in (("all_types2", b"gr"), ("volatile_strings2", b"##")):
        fmu = Session(name, tmp_path).instance()
        value = (ctypes.c_char_p * 1)()
        fmu.fmi2GetString(fmu.component, (ctypes.c_uint * 1)(100), 1, value)
        address = ctypes.cast(value, ctypes.POINTER(ctypes.c_void_p))[0]
        fmu.getReal([0])
        assert ctypes.string_at(address, 2) == kept


def test_a_structural_parameter_sizes_arrays(tmp_path: Path) -> None:
    session = Session("all_types3", tmp_path)
    fmu = session.instance()
    fmu.enterConfigurationMode()
    fmu.setUInt64([60], [5])
    fmu.exitConfigurationMode()
    fmu.setFloat64([61], [1.0, 2.0, 4.0, 8.0, 16.0])
    fmu.enterInitializationMode()
    assert fmu.getFloat64([161, 164], nValues=6) == [1.0, 2.0, 4.0, 8.0, 16.0, 31.0]
    with pytest.raises(Exception, match="fmi3SetUInt64"):
        fmu.setUInt64([60], [4])


def test_66_arrays_pass_through() -> None:
    result = simulate("arrays3")
    assert len(result.dtype.names or ()) == 1 + 33
    assert result["y31"][-1].tolist() == [2.0 * (31 + j) for j in range(6)]
    assert result["y32"][-1].shape == (2, 3)


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_gain_answers_at_once_during_initialization(fmi: int) -> None:
    result = simulate(f"gain{fmi}", start_values={"u": 4.0, "a": -0.5, "b": 3.0})
    assert result["y"].tolist() == [1.0] * (STEPS + 1)


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_number_comes_from_the_resources(fmi: int) -> None:
    assert simulate(f"resource{fmi}")["y"][-1] == STEPS * H + 0.25


@pytest.mark.parametrize("fmi", [2, 3])
def test_state_is_restored_by_the_honest_and_not_by_the_liar(fmi: int, tmp_path: Path) -> None:
    n_after = {}
    for name in (f"plain{fmi}", f"lying_state{fmi}"):
        session = Session(name, tmp_path)
        fmu = session.started()
        fmu.doStep(0.0, H)
        state = fmu.deserializeFMUState(fmu.serializeFMUState(fmu.getFMUState()))
        fmu.doStep(H, H)
        fmu.setFMUState(state)
        assert session.read(fmu, 2) == H  # y
        n_after[name] = session.read(fmu, 5)
    assert n_after == {f"plain{fmi}": 1.0, f"lying_state{fmi}": 2.0}


# ---- those that do not ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("step_error", "DoStep failed with status 3"),
        ("step_fatal", "DoStep failed with status 4"),
        ("get_error", "Get(Real|Float64) failed with status 3"),
        ("init_error", "ExitInitializationMode failed with status 3"),
        ("no_instance", "Failed to instantiate"),
        ("wrong_token", "Failed to instantiate"),
        ("constant_step", "DoStep failed with status 3"),
        ("no_binary", "cannot be simulated on the current platform"),
        ("two_libraries", "Cannot find shared library"),
    ],
)
def test_a_failure_is_reported(name: str, words: str, fmi: int) -> None:
    with pytest.raises(Exception, match=words):
        simulate(f"{name}{fmi}")


@pytest.mark.parametrize(
    ("name", "reached", "ended"), [("step_discard2", 0.5, 0), ("step_terminate2", 1.0, 1)]
)
def test_a_discarded_step_tells_how_far_it_came(
    name: str, reached: float, ended: int, tmp_path: Path
) -> None:
    fmu = Session(name, tmp_path).started()
    fmu.doStep(0.0, H)
    fmu.doStep(H, H)
    with pytest.raises(Exception, match="fmi2DoStep failed with status 2"):
        fmu.doStep(2 * H, H)
    assert fmu.getRealStatus(2) == (2 + reached) * H  # LastSuccessfulTime
    assert fmu.getBooleanStatus(3) == bool(ended)  # Terminated


def test_in_fmi_3_a_discarded_step_has_not_happened(tmp_path: Path) -> None:
    session = Session("step_discard3", tmp_path)
    fmu = session.started()
    fmu.doStep(0.0, H)
    fmu.doStep(H, H)
    with pytest.raises(Exception, match="fmi3DoStep failed with status 2"):
        fmu.doStep(2 * H, H)
    assert session.read(fmu, 2) == 2 * H
    fmu.doStep(2 * H, H)
    assert session.read(fmu, 2) == 3 * H


def test_a_pending_step_is_done_when_it_is_asked_a_fourth_time(tmp_path: Path) -> None:
    session = Session("step_pending2", tmp_path)
    fmu = session.started()
    fmu.doStep(0.0, H)
    fmu.doStep(H, H)
    with pytest.raises(Exception, match="fmi2DoStep failed with status 5"):
        fmu.doStep(2 * H, H)
    assert [fmu.getStatus(0) for _ in range(4)] == [5, 5, 5, 0]
    assert session.read(fmu, 2) == 3 * H


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_fmu_can_ask_for_the_end(fmi: int) -> None:
    assert simulate(f"step_terminate{fmi}")["time"][-1] == 3 * H


@pytest.mark.parametrize(
    "name", ["constant_step2", "constant_step3", "same_step2", "same_step3", "multiple_step3"]
)
def test_a_step_that_is_liked_is_made(name: str) -> None:
    assert simulate(name, h=0.01)["n"][-1] == STEPS


def test_a_step_that_is_not_liked_is_refused(tmp_path: Path) -> None:
    fmu = Session("same_step2", tmp_path).started()
    fmu.doStep(0.0, 0.5)
    with pytest.raises(Exception, match="fmi2DoStep failed with status 3"):
        fmu.doStep(0.5, 0.25)
    with pytest.raises(Exception, match="fmi3DoStep failed with status 3"):
        simulate("multiple_step3", h=0.0005)


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(("name", "is_odd"), [("nan_output", np.isnan), ("inf_output", np.isinf)])
def test_one_value_alone_is_no_number(name: str, is_odd: Any, fmi: int) -> None:
    y = simulate(f"{name}{fmi}", start_values={"at": 4.0})["y"]
    assert is_odd(y).tolist() == [n == 4 for n in range(STEPS + 1)]
    assert y[-1] == STEPS * H


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_library_makes_one_instance_only(fmi: int, tmp_path: Path) -> None:
    session = Session(f"once_per_process{fmi}", tmp_path)
    first = session.instance()
    with pytest.raises(Exception, match="Failed to instantiate"):
        session.instance()
    first.freeInstance()


@pytest.mark.parametrize("fmi", [2, 3])
def test_instances_share_what_is_global(fmi: int, tmp_path: Path) -> None:
    session = Session(f"shared_state{fmi}", tmp_path)
    one, other = session.started(), session.started()
    one.doStep(0.0, H)
    assert session.read(other, 2) == H  # y of an instance that made no step


def test_zero_length_calls_are_refused(tmp_path: Path) -> None:
    fmu = Session("no_zero_length2", tmp_path).started()
    with pytest.raises(Exception, match="fmi2GetReal failed with status 3"):
        fmu.getReal([])


@pytest.mark.parametrize("fmi", [2, 3])
def test_the_strict_one_reports_what_is_illegal(
    fmi: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    monkeypatch.setenv("CRUMPLE_TEST_FMU_REPORT", str(report))
    session = Session(f"strict{fmi}", tmp_path)
    kind = {2: "fmi2SetReal", 3: "fmi3SetFloat64"}[fmi]

    def refused(call: Any, *arguments: Any) -> None:
        with pytest.raises(Exception, match="failed with status 3"):
            call(*arguments)

    early = session.instance()
    refused(early.doStep, 0.0, H)
    late = session.started()
    refused(late.doStep, H, H)
    fixed = session.started()
    refused(getattr(fixed, {2: "setReal", 3: "setFloat64"}[fmi]), [3], [1.0])
    skipped = session.instance()
    refused(session.read, skipped, 2)
    left = session.started()
    left.freeInstance()
    assert report.read_text().splitlines() == [
        f'fmi{fmi}DoStep: not allowed in state "instantiated"',
        f"fmi{fmi}DoStep: the step begins at 0.125 s, but the last one ended at 0 s",
        f"{kind}: a fixed parameter cannot change now",
        f'{kind.replace("Set", "Get")}: not allowed in state "instantiated"',
        f"fmi{fmi}FreeInstance: fmi{fmi}Terminate was not called",
    ]


@pytest.mark.parametrize("fmi", [2, 3])
def test_only_what_a_run_needs_is_exported(fmi: int) -> None:
    library = ctypes.CDLL(str(build_library(f"real_only{fmi}")))
    real = {2: "Real", 3: "Float64"}[fmi]
    for name in ("DoStep", f"Get{real}", f"Set{real}", "Terminate", "FreeInstance"):
        assert hasattr(library, f"fmi{fmi}{name}")
    for name in ("GetString", "SetBoolean", "Reset", "GetVersion", "GetTypesPlatform", "SetDebugLogging"):
        assert not hasattr(library, f"fmi{fmi}{name}")
    state = {2: "fmi2GetFMUstate", 3: "fmi3GetFMUState"}[fmi]
    assert not hasattr(library, state)


LEAKS = {
    "step_rounding": "ctypes.CDLL(None).fegetround() != 0",
    "step_flush": "sys.float_info.min * 0.5 == 0.0",
    "step_chdir": "os.getcwd() == '/'",
}


@pytest.fixture(scope="module")
def leaks() -> dict[str, bool]:
    """Whether a simulation by FMPy left its process changed, each in a fork of one process."""
    program = """
import ctypes, os, sys
from fmpy import simulate_fmu
names, looks, files, h = sys.argv[1].split(), sys.argv[2].split(";"), sys.argv[3:], {h}
for name, look, file in zip(names, looks, files):
    if os.fork() == 0:
        before = eval(look)
        simulate_fmu(file, step_size=h, output_interval=h, stop_time=1)
        os.write(1, f"{{name}} {{before}} {{eval(look)}}\\n".encode())
        os._exit(0)
    os.wait()
"""
    names = [f"{name}{fmi}" for name in LEAKS for fmi in (2, 3)]
    looks = ";".join(LEAKS[name[:-1]] for name in names)
    command = [sys.executable, "-c", program.format(h=H), " ".join(names), looks]
    command += [str(build_fmu(name)) for name in names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [line.split() for line in done.stdout.splitlines()]
    assert all(before == "False" for _, before, _ in found)
    return {name: after == "True" for name, _, after in found}


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize("name", sorted(LEAKS))
def test_the_process_is_left_changed(name: str, fmi: int, leaks: dict[str, bool]) -> None:
    assert leaks[f"{name}{fmi}"]
