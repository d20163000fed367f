"""What `automatic_transmission` matches: a Simulink trace of the benchmark, and what falsifies its requirements."""

from __future__ import annotations

from matches import REFERENCE, Figure

TRACE = "Simulink trace, cpslab-asu/model-autotrans"


def figures() -> list[Figure]:
    """The trace driven anew, and the benchmark's witness. Raises OSError where the trace is not there."""
    import h5py
    import numpy as np

    from crumple import Fmu, Table, World
    from crumple.cases_run import Options, Runner
    from crumple.plugins import find_unit

    with h5py.File(REFERENCE / "autotrans_trace.h5") as file:
        trace = {name: np.array(file[name]) for name in file}
    world = World("40 ms")
    pedals = {"throttle": trace["throttle"], "brake": np.abs(trace["brake_torque"])}
    world.add("pedals", Table(trace["time"], pedals))
    world.add("car", Fmu("powertrain"), isolate=False)
    world.add("shift", find_unit("shift_controller")())
    world.connect("pedals.throttle", "car.throttle")
    world.connect("pedals.brake", "car.brake")
    world.connect("shift.gear", "car.gear")
    world.connect("pedals.throttle", "shift.throttle", same_tick=True)
    world.connect("car.speed", "shift.speed", same_tick=True)
    world.reset()
    kept = world.trace(["car.speed", "car.engine_speed", "shift.gear"])
    world.step(len(trace["time"]) - 1)
    ours = kept.array()
    speed = ours["car.speed"] - trace["vehicle_speed"]
    wrong = int((ours["shift.gear"] != trace["gear"]).sum())
    full = Runner(Options(scene="automatic_transmission")).run({"throttle": 100.0})
    broken = [each.name for each in full.requirements if each.status == "fail"]
    return [
        Figure(
            what="speed after 30 s",
            published=f"{trace['vehicle_speed'][-1]:.2f} mph",
            source=TRACE,
            ours=f"{ours['car.speed'][-1]:.2f} mph",
            off=f"{np.sqrt((speed**2).mean()):.4f} mph RMS over 30 s",
        ),
        Figure(
            what="gear, of 751 samples",
            published=f"{int(trace['gear'][-1])} at the end",
            source=TRACE,
            ours=f"{int(ours['shift.gear'][-1])} at the end",
            off=f"{wrong} samples differ",
        ),
        Figure(
            what="falsified by full throttle",
            published="AT1, AT2",
            source="ARCH benchmark (Hoxha, Abbas, Fainekos 2014)",
            ours=", ".join(broken),
            off="none" if broken == ["AT1", "AT2"] else "differs",
        ),
    ]
