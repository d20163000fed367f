"""Write tests/fuzz/wire_corpus anew: frames that are right, nearly right and wrong, from which the fuzzer starts.

    python tests/fuzz/make_wire_corpus.py

Inputs that the fuzzer found stand in wire_corpus/found-* and are kept as they are.
"""

from __future__ import annotations

import struct
from pathlib import Path

from crumple.live.wire import Header, Message, Type, encode

if __package__:
    from fuzz.wire_targets import LAYOUTS, MEND, written
else:
    from wire_targets import LAYOUTS, MEND, written

HERE = Path(__file__).parent


def frame(kind: Type, sequence: int, *values: float, layout: int = 1, **more: int | None) -> bytes:
    """A right frame."""
    said = {"session": 1, "source_ns": 1000 * sequence, **more}
    return encode(Message(Header(type=kind, sequence=sequence, **said), values), LAYOUTS[layout])  # type: ignore[arg-type]


def inputs() -> dict[str, bytes]:
    """The corpus by name."""
    out = [frame(Type.OUTPUT, n, float(n), sim_ns=n * 1000) for n in range(8)]
    mixed = frame(Type.SAMPLE, 1, -9.81, 1.0, 3.0, layout=2)
    good = out[1]
    return {
        "live": written(MEND | 1, *out),
        "mixed": written(2, mixed),
        "many": written(3, frame(Type.SAMPLE, 1, *map(float, range(40)), layout=3)),
        "none": written(0, frame(Type.OUTPUT, 0, layout=0)),
        "hello": written(MEND | 1, frame(Type.HELLO, 0), frame(Type.READY, 0), out[0]),
        "bye": written(MEND | 1, out[1], frame(Type.BYE, 1, 0.0, flags=3), frame(Type.BYE, 1), out[2]),
        "final": written(MEND | 1, out[1], frame(Type.OUTPUT, 2, 0.0, flags=3), out[3]),
        "paused": written(MEND | 1, out[1], frame(Type.OUTPUT, 2, 0.0, flags=5), out[3]),
        "resent": written(MEND | 1, out[1], out[1], frame(Type.OUTPUT, 1, 1.0, flags=8), out[2]),
        "gap": written(MEND | 1, out[1], out[5], out[3], out[6]),
        "restart": written(MEND | 1, out[5], frame(Type.OUTPUT, 0, 1.0, session=2), out[6]),
        "back": written(MEND | 1, out[1], frame(Type.OUTPUT, 2, 0.0, source_ns=0), out[3]),
        "sim-back": written(MEND | 1, out[3], frame(Type.OUTPUT, 4, 0.0, sim_ns=1), out[5]),
        "unknown": written(MEND | 1, out[3], frame(Type.OUTPUT, 4, 0.0), out[5]),
        "largest": written(MEND | 1, frame(Type.OUTPUT, 2**53 - 1, 1e308, session=2**64 - 1, source_ns=2**63 - 1)),
        "least": written(MEND | 1, frame(Type.OUTPUT, 0, -5e-324, source_ns=-(2**63), echo_ns=-(2**63))),
        "empty": b"",
        "short": written(1, good[:63], good[:0]),
        "length": written(1, good[:-1], good + b"x", good[:64], good + bytes(8)),
        "magic": written(1, b"crmp" + good[4:]),
        "version": written(1, good[:4] + b"\2" + good[5:]),
        "type": written(1, good[:5] + b"\6" + good[6:], good[:5] + b"\0" + good[6:]),
        "flags": written(1, good[:6] + b"\x10\0" + good[8:]),
        "session": written(1, good[:8] + bytes(8) + good[16:]),
        "sequence": written(
            MEND | 1, good[:5] + b"\1" + good[6:16] + bytes(8) + good[24:], good[:22] + b"\x20" + good[23:]),
        "layout": written(1, mixed),
        "value": written(2, *(mixed[:at] + struct.pack("<d", value) + mixed[at + 8 :] for at, value in (
            (64, float("nan")), (64, float("-inf")), (72, 0.5), (80, 0.5), (80, 2.0**53 + 2)))),
    }  # fmt: skip


def main() -> None:
    """Write the files."""
    folder = HERE / "wire_corpus"
    folder.mkdir(exist_ok=True)
    made = inputs()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    print(f"{len(made)} files, {sum(map(len, made.values())):,} bytes")


if __name__ == "__main__":
    main()
