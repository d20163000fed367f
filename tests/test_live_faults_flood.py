"""A hundred thousand messages a second: each is taken or counted as lost, and memory stays flat.

CRUMPLE_FLOOD is the length [s] of a long flood, such as 10, which is left out by default.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from live_bench import WAIT, Bench, Done, reach, resident
from live_peers import Pirate

pytest.importorskip("zmq")

FLOOD = float(os.environ.get("CRUMPLE_FLOOD", "0"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


FLOOD_C = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* LIBRARY ADDRESS FRAME(hex) RATE SECONDS: sends the frame, counted on and stamped, then says how many */
static void* z(void* lib, const char* name) { void* f = dlsym(lib, name); if (!f) exit(2); return f; }
static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
int main(int argc, char** argv) {
    void* lib = dlopen(argv[1], RTLD_NOW);
    if (argc < 6 || !lib) return 2;
    void* (*ctx)(void) = (void* (*)(void))z(lib, "zmq_ctx_new");
    void* (*make)(void*, int) = (void* (*)(void*, int))z(lib, "zmq_socket");
    int (*bind_)(void*, const char*) = (int (*)(void*, const char*))z(lib, "zmq_bind");
    int (*set)(void*, int, const void*, size_t) = (int (*)(void*, int, const void*, size_t))z(lib, "zmq_setsockopt");
    int (*recv_)(void*, void*, size_t, int) = (int (*)(void*, void*, size_t, int))z(lib, "zmq_recv");
    int (*send_)(void*, const void*, size_t, int) = (int (*)(void*, const void*, size_t, int))z(lib, "zmq_send");
    unsigned char frame[4096], word[8];
    const size_t n = strlen(argv[3]) / 2;
    for (size_t i = 0; i < n; ++i) { unsigned x; sscanf(argv[3] + 2 * i, "%2x", &x); frame[i] = (unsigned char)x; }
    const double rate = atof(argv[4]), seconds = atof(argv[5]);
    void* s = make(ctx(), 9);  /* XPUB */
    int none = 0;
    set(s, 23, &none, sizeof none);  /* what does not fit into the pipe waits: nothing is lost here */
    if (bind_(s, argv[2]) != 0) return 3;
    recv_(s, word, sizeof word, 0);
    const int64_t start = now(), most = (int64_t)(rate * seconds);
    for (int64_t k = 1; k <= most; ++k) {
        int64_t t = now();
        memcpy(frame + 16, &k, 8);
        memcpy(frame + 32, &t, 8);
        send_(s, frame, n, 0);
        while (k % 100 == 0 && now() < start + (int64_t)((double)k / rate * 1e9)) {
            struct timespec p = {0, 200000};
            nanosleep(&p, 0);
        }
    }
    printf("%lld\n", (long long)most);
    fflush(stdout);
    for (;;) { struct timespec p = {1, 0}; nanosleep(&p, 0); }
}
"""


@pytest.fixture(scope="module")
def flooder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publisher in C that sends one frame again and again, counted on."""
    folder = tmp_path_factory.mktemp("flood")
    (folder / "flood.c").write_text(FLOOD_C)
    built = subprocess.run(
        ["cc", "-O2", "-o", folder / "flood", folder / "flood.c", "-ldl"], check=False, capture_output=True
    )
    if built.returncode:
        pytest.skip("there is no C compiler")
    return folder / "flood"


def flooded(bench: Bench, flooder: Path, *, seconds: float, rubbish: bool) -> tuple[int, Done, list[int]]:
    """How many were sent, what the run came to, and the memory [KiB] at the start and at the end."""
    from crumple.live.library import load_libzmq

    with Pirate(bench.address("model")) as model:
        frame = model.frame(1.0)
    if rubbish:
        frame = frame[:56] + bytes(8) + frame[64:]
    scene = bench.paced(
        stop=f"{seconds + 60} s", sensor="max_age = '20 s'\nrequired = false\nstale_max = 1.0"
    )
    flood = subprocess.Popen(
        [flooder, load_libzmq(), bench.sensor, frame.hex(), "100000", str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with bench.begin(scene) as run:
            monitor = run.monitor()
            memory = [resident()]
            assert flood.stdout is not None
            sent = int(flood.stdout.readline())
            memory.append(resident())
            tick = reach(monitor, 1)
            reach(monitor, tick + 200)  # what is still under way arrives
            monitor.send("stop")
            return sent, run.end(), memory
    finally:
        flood.kill()
        flood.communicate(timeout=WAIT)


@pytest.mark.parametrize("rubbish", [False, True], ids=["good", "rubbish"])
def test_a_flood_is_taken_or_lost_but_counted_and_memory_stays_flat(
    bench: Bench, flooder: Path, rubbish: bool
) -> None:
    sent, done, memory = flooded(bench, flooder, seconds=0.5, rubbish=rubbish)
    check_flood(sent, done, memory, rubbish=rubbish)


@pytest.mark.slow
@pytest.mark.skipif(not FLOOD, reason="set CRUMPLE_FLOOD to seconds, such as 10")
@pytest.mark.parametrize("rubbish", [False, True], ids=["good", "rubbish"])
def test_a_long_flood_is_taken_or_lost_but_counted_and_memory_stays_flat(
    bench: Bench, flooder: Path, rubbish: bool
) -> None:
    sent, done, memory = flooded(bench, flooder, seconds=FLOOD, rubbish=rubbish)
    check_flood(sent, done, memory, rubbish=rubbish)


def check_flood(sent: int, done: Done, memory: list[int], *, rubbish: bool) -> None:
    front = done.front
    if rubbish:
        assert front["rejected"] == {"layout": front["received"]}
        assert front["accepted"] == 0
        assert set(front["states"]) == {"none"}
    else:
        # the last may be lost where the machine is slow, and nobody sees a gap after it
        assert front["received"] == front["accepted"] <= sent
        assert sent - front["accepted"] - front["lost"] in range(0, sent // 2)
        assert np.all(np.diff(done.column("front.sequence")) >= 0)
    assert front["received"] > sent / 10
    assert done.written["ended"] == "interrupted"
    assert memory[1] - memory[0] < 100 * 1024
