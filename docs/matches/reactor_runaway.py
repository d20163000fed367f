"""What `reactor_runaway` matches."""

from __future__ import annotations

import crumple
from matches import Figure

BOOK = "Fogler, Elements of Chemical Reaction Engineering, example 9-2 (3rd ed.)"


def figures() -> list[Figure]:
    """The accident of 1969 and the usual charge against the textbook."""
    rows = [{"charge_kmol": charge, "outage_start_min": 45, "outage_min": 10} for charge in (9.0448, 3.17)]
    accident, usual = (result.metrics for result in crumple.cases("reactor_runaway", rows))

    def of(name: str) -> float:
        found = accident[name]
        assert found is not None
        return found

    runaway, usual_most = of("runaway_min"), usual["max_temperature_K"]
    temperature, conversion = of("temperature_55min_K"), of("conversion_55min")
    made, taken = of("heat_generated_55min"), of("heat_removed_55min")
    return [
        Figure(
            "temperature after 10 min without cooling",
            "467.992 K",
            BOOK,
            f"{temperature:.3f} K",
            f"{temperature - 467.992:+.3f} K",
        ),
        Figure(
            "conversion then",
            "0.0423866",
            BOOK,
            f"{conversion:.5f}",
            f"{conversion / 0.0423866 - 1:+.1%}",
        ),
        Figure(
            "heat made, heat taken then",
            "6591, 6093 kcal/min",
            BOOK,
            f"{made:.0f}, {taken:.0f} kcal/min",
            f"{made / 6591 - 1:+.1%}, {taken / 6093 - 1:+.2%}",
        ),
        Figure(
            "explosion of the tripled charge",
            "about 119 min, plotted to 121",
            BOOK,
            f"{runaway:.1f} min",
            f"{runaway - 121:+.1f} min",
        ),
        Figure(
            "usual charge, same outage", "no explosion", BOOK, f"{usual_most:.2f} K at most", "none either"
        ),
    ]
