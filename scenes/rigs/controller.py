"""An airbag controller on the bench: the rule of plugins/airbag_controller, outside, on a wire.

python controller.py lockstep --rig tcp://127.0.0.1:5600           # with airbag_bench.toml
python controller.py realtime --samples tcp://127.0.0.1:5555 --outputs tcp://127.0.0.1:5556
                                                                   # with airbag_realtime.toml
"""

from __future__ import annotations

import argparse
import time
from collections import deque

from crumple.live import Actuator, Rig, RigTimeout, RunEnded, Sensor

SENDS = {"fire": "1", "velocity_lost": "m/s"}
RECEIVES = {"acceleration": "m/s^2"}
SAFE = {"acceleration": 0.0}  # who hears nothing of a crash assumes that there is none
KEEP_ALIVE = 0.01  # [s] between two samples where no output asks for one


class Controller:
    """Fires when the velocity lost over `window` exceeds `threshold`, and then stays fired."""

    def __init__(self, *, cycle: float, window: float, threshold: float) -> None:
        self.cycle = cycle  # [s]
        self.threshold = threshold  # [m/s]
        self.length = max(1, round(window / cycle))
        self.reset()

    def reset(self) -> None:
        self.lost: deque[float] = deque(maxlen=self.length)
        self.fire, self.velocity_lost = 0.0, 0.0

    def step(self, acceleration: float) -> None:
        self.lost.append(-acceleration * self.cycle)
        self.velocity_lost = sum(self.lost)
        if self.velocity_lost > self.threshold:
            self.fire = 1.0

    @property
    def answer(self) -> tuple[float, float]:
        return self.fire, self.velocity_lost


def lockstep(controller: Controller, *, rig: str, patience: float) -> None:
    """Paces a run: each exchange is one cycle of the controller."""
    with Rig(rig, sends=SENDS, receives=RECEIVES, safe=SAFE, timeout=10.0) as ecu:
        acceleration = ecu.start(patience)["acceleration"]
        try:
            while True:
                # what is read in one cycle is answered in the next: deciding takes that long
                answer = controller.answer
                controller.step(acceleration)
                acceleration = ecu.exchange(answer)["acceleration"]
        except RunEnded:
            print(f"over after {ecu.sequence} samples, {'fired' if controller.fire else 'not fired'}")


def realtime(controller: Controller, *, samples: str, outputs: str, patience: float) -> None:
    """Answers each output at once, and goes on sending before the first."""
    with (
        Sensor(samples, SENDS) as ecu,
        Actuator(outputs, RECEIVES, safe=SAFE, timeout=0.5) as bus,
    ):
        end = time.monotonic() + patience
        session, last_ns = 0, 0
        cycle_ns = round(controller.cycle * 1e9)
        while bus.state != "ended" and (session or time.monotonic() < end):
            acceleration = bus.receive(timeout=KEEP_ALIVE)["acceleration"]
            heard = bus.header
            sim_ns = None
            if heard is not None and heard.sim_ns is not None and bus.state == "live":
                if heard.session != session:  # a run begins
                    session, last_ns = heard.session, heard.sim_ns - cycle_ns
                    controller.reset()
                # by the clock of the run: a cycle that was missed had the value that is known now
                for _ in range(min(round((heard.sim_ns - last_ns) / cycle_ns), controller.length)):
                    controller.step(acceleration)
                sim_ns = last_ns = heard.sim_ns
            ecu.send(controller.answer, t=None if sim_ns is None else sim_ns * 1e-9)
        print(f"over after {ecu.sequence} samples, {'fired' if controller.fire else 'not fired'}")


def main() -> None:
    """Command line."""
    asked = argparse.ArgumentParser(description="An airbag controller on the bench.")
    asked.add_argument("mode", choices=["lockstep", "realtime"])
    asked.add_argument(
        "--rig", default="tcp://127.0.0.1:5600", help="where the run waits for it, in lockstep"
    )
    asked.add_argument("--samples", default="tcp://127.0.0.1:5555", help="where it publishes, in real time")
    asked.add_argument("--outputs", default="tcp://127.0.0.1:5556", help="what it listens to, in real time")
    asked.add_argument("--cycle", type=float, default=0.0005, help="[s]")
    asked.add_argument("--window", type=float, default=0.010, help="[s]")
    asked.add_argument("--threshold", type=float, default=1.1, help="[m/s]")
    asked.add_argument("--patience", type=float, default=60.0, help="how long a run is waited for [s]")
    given = asked.parse_args()
    controller = Controller(cycle=given.cycle, window=given.window, threshold=given.threshold)
    try:
        if given.mode == "lockstep":
            lockstep(controller, rig=given.rig, patience=given.patience)
        else:
            realtime(controller, samples=given.samples, outputs=given.outputs, patience=given.patience)
    except RigTimeout as error:
        raise SystemExit(f"controller: {error}") from None


if __name__ == "__main__":
    main()
