"""What each behaviour of fmu/hostile comes to: in this process, and in a worker. Read by test_hostile.py."""

from __future__ import annotations

from dataclasses import dataclass

STEP = r"unit 'dut' failed in fmi\dDoStep at t = 0\.25 s \(tick 2\): "  # the third step of 0.125 s
WORKER = STEP + "its worker process "
NO_ANSWER = r"it did not answer within 0\.5 s \(step_timeout\) and was killed"
NOT_ALLOWED = STEP + "it returned an error"  # as the FMU says when the system does not let it
NO_NUMBER = r"unit 'dut' failed in output \"y\" at t = 0\.375 s \(tick 3\): the value is "


@dataclass(frozen=True)
class Row:
    """One behaviour at one moment.

    command : behaviour, or behaviour:moment; at step 3 where it is a matter of steps.
    apart : verdict of a run in which the FMU is in a worker; "either" where that is a matter of luck.
    says : what the reason of that verdict must match; of a run that passes, the warnings.
    here : what becomes of a run in which the FMU is in this process
        pass, error   its verdict
        -11, 99, ...  the process ends so: minus a signal, or an exit code; there is no verdict
        waits         the process waits for ever
        skip          not tried: it would hit others, or tells nothing new
    leaves : what of this process the FMU changes for good when it is in it. From a worker it changes nothing.
    delay : of "late" [s].
    """

    command: str
    apart: str
    says: str = ""
    here: str | int = "pass"
    leaves: frozenset[str] = frozenset()
    delay: float = 0.0

    @property
    def behaviour(self) -> str:
        return self.command.partition(":")[0]

    @property
    def moment(self) -> str:
        return self.command.partition(":")[2] or "step"

    @property
    def by_environment(self) -> bool:
        """Whether the moment comes before any parameter is set."""
        return self.moment in ("load", "instantiate", "setup")


def _dies(name: str, signal: str, number: int, *, here: int | None = None) -> Row:
    text = WORKER + rf"was killed by {signal}\b"
    return Row(name, "error", text, -number if here is None else here)


def _at(moment: str) -> str:
    """Where a message says that a moment was."""
    return {
        "load": r"unit 'dut'",
        "instantiate": r"unit 'dut' failed in fmi\dInstantiate\w* at t = 0 s \(tick 0\): ",
        "setup": r"unit 'dut' failed in fmi\d\w+ at t = 0 s \(tick 0\): ",
        "init": r"unit 'dut' failed in fmi\dExitInitializationMode at t = 0 s \(tick 0\): ",
        "step": STEP,
        "get": r"unit 'dut' failed in fmi\d\w+ at t = 0\.25 s \(tick 2\): ",
        "terminate": r"unit 'dut' failed in fmi\dTerminate at t = 1 s \(tick 8\): ",
    }[moment]


MOMENTS = ("load", "instantiate", "setup", "init", "get", "terminate")

ENDS = [
    _dies("segfault", "SIGSEGV", 11),
    _dies("bus_error", "SIGBUS", 7),
    _dies("illegal_instruction", "SIGILL", 4),
    _dies("divide_by_zero", "SIGFPE", 8),
    _dies("stack_overflow", "SIGSEGV", 11),
    _dies("abort", "SIGABRT", 6),
    _dies("kill_self", "SIGKILL", 9),
    _dies("kill_group", "SIGKILL", 9),
    _dies("alarm", "SIGALRM", 14),
    Row("exit", "error", WORKER + "ended with exit code 0, in the middle of the call", 0),
    Row("_exit", "error", WORKER + "ended with exit code 0, in the middle of the call", 0),
    Row("quick_exit", "error", WORKER + "ended with exit code 0, in the middle of the call", 0),
    Row("thread_exit", "error", STEP, -6),
    Row("exit_handler", "error", STEP + "it returned an error", 0),  # its verdict is an error all the same
    *(Row(f"segfault:{m}", "error", _at(m) + ".*SIGSEGV", -11) for m in MOMENTS),
    *(Row(f"exit:{m}", "error", _at(m) + ".*exit code 0", 0) for m in MOMENTS),
]

WAITS = [
    Row("hang", "error", STEP + NO_ANSWER, "waits"),
    Row("busy_loop", "error", STEP + NO_ANSWER, "waits"),
    Row("stop_self", "error", STEP + NO_ANSWER, "waits"),
    Row("cling", "error", STEP + NO_ANSWER, "waits"),
    Row("late", "error", STEP + NO_ANSWER, "pass", delay=0.9),
    Row("late", "pass", delay=0.02),
    *(Row(f"hang:{m}", "error", _at(m) + ".*" + NO_ANSWER, "skip") for m in MOMENTS if m != "get"),
    Row("hang:free", "error", "did not answer within", "skip"),  # not every unit ended well
]

LIES = [
    Row("nan", "error", NO_NUMBER + "NaN", "error"),
    Row("infinity", "error", NO_NUMBER + "infinite", "error"),
    Row("nan:init", "error", r"output \"y\" at t = 0 s \(tick 0\): the value is NaN", "error"),
    Row("nan:get", "error", NO_NUMBER + "NaN", "error"),
    Row("warning", "error", STEP + "it returned a warning", "error"),
    Row("discard", "error", STEP + "it discarded the step of 0.125 s", "error"),
    Row("error", "error", STEP + "it returned an error; its last words: .*on purpose", "error"),
    Row("fatal", "error", STEP + "it returned a fatal error; its last words: .*on purpose", "error"),
    Row("pending", "error", STEP, "error"),
    Row("status_99", "error", STEP + "it returned a status that FMI does not know", "error"),
    Row("error:instantiate", "error", _at("instantiate") + "it returned no instance", "error"),
    Row("error:setup", "error", _at("setup") + "it returned an error", "error"),
    Row("error:init", "error", _at("init") + "it returned an error", "error"),
    Row("error:get", "error", _at("get") + "it returned an error", "error"),
    Row("error:terminate", "error", _at("terminate") + "it returned an error", "error"),
    Row("null_string", "pass"),
    Row("bad_string", "pass"),
    Row("long_string", "pass"),
]

_FLOAT = "floating-point environment changed"

LEAVES = [
    Row("flush_to_zero", "pass", _FLOAT + r" \(flush-to-zero mode\)"),
    Row("round_up", "pass", _FLOAT + r" \(rounding direction\)"),
    Row("traps", "pass", _FLOAT + r" \(exception mask\)"),
    Row("chdir", "pass", leaves=frozenset({"folder"})),
    Row("umask", "pass", leaves=frozenset({"umask"})),
    Row("environment", "pass", leaves=frozenset({"environment"})),
    Row("locale", "pass", leaves=frozenset({"locale"})),
    Row("handlers", "pass", leaves=frozenset({"signals"})),
    Row("block_signals", "pass", leaves=frozenset({"signals"})),
    Row("socket", "pass", leaves=frozenset({"files"})),
    Row("thread", "pass", leaves=frozenset({"threads"})),
    Row("child", "error", NOT_ALLOWED, leaves=frozenset({"children"})),
    Row("daemon", "error", NOT_ALLOWED, leaves=frozenset({"children"})),
    Row("children", "error", NOT_ALLOWED, leaves=frozenset({"children"})),
    Row("child_hang", "error", NOT_ALLOWED, "skip"),
    Row("sibling", "error", NOT_ALLOWED, "skip"),
    Row("limits", "pass", here=99),  # nothing can be written any more
    Row("close_files", "pass", here="error", leaves=frozenset({"files"})),
    Row("write_files", "pass", here="skip"),  # into the recording, too
    Row("truncate_files", "pass", here="skip"),
    Row("print", "pass"),
    Row("litter", "pass", here="skip"),
    Row("big_file", "error", NOT_ALLOWED, "skip"),
    Row("scribble", "error", "its worker answered out of sequence", "pass"),
    Row("scribble_start", "either"),
    Row("scribble_thread", "either", here="skip"),
    Row("leak", "pass"),
]

LOGS = [
    Row("log_thread", "pass"),
    Row("log_after_free:terminate", "pass"),
    Row("log_null", "pass"),
    Row("log_rubbish", "pass"),
    Row("log_format", "error", WORKER + r"was killed by SIG(SEGV|ABRT)", -11),
    Row("log_long", "pass"),
    Row("log_flood", "pass"),
]

ROWS = [*ENDS, *WAITS, *LIES, *LEAVES, *LOGS]
