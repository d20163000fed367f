"""The units of measure that Crumple knows, and the names of their dimensions.

Factors are texts of decimal numbers, `pi` and one `/`, read only when a unit is looked up: exact and cheap.
Sources: the SI brochure (9th edition) and NIST SP 811 for the exact factors of units outside the SI.
"""

from __future__ import annotations

Dimension = tuple[int, ...]  # exponents of kg, m, s, A, K, mol, cd, rad

BASE = ("kg", "m", "s", "A", "K", "mol", "cd", "rad")
NONE: Dimension = (0,) * 8


def _dim(**exponents: int) -> Dimension:
    return tuple(exponents.get(name, 0) for name in BASE)


_MASS, _LENGTH, _TIME = _dim(kg=1), _dim(m=1), _dim(s=1)
_AREA, _VOLUME, _SPEED, _ACCELERATION = _dim(m=2), _dim(m=3), _dim(m=1, s=-1), _dim(m=1, s=-2)
_FREQUENCY, _ANGLE, _ANGULAR_VELOCITY = _dim(s=-1), _dim(rad=1), _dim(s=-1, rad=1)
_FORCE, _PRESSURE = _dim(kg=1, m=1, s=-2), _dim(kg=1, m=-1, s=-2)
_ENERGY, _POWER = _dim(kg=1, m=2, s=-2), _dim(kg=1, m=2, s=-3)
_IMPULSE = _dim(kg=1, m=1, s=-1)
_VOLTAGE, _CHARGE = _dim(kg=1, m=2, s=-3, A=-1), _dim(s=1, A=1)
_FLUX = _dim(kg=1, m=2, s=-2, A=-1)
_DOSE = _dim(m=2, s=-2)

# Take a prefix: km, mbar, kWh, uOhm. "g" is not among them: it is standard gravity.
PREFIXABLE: dict[str, tuple[str, Dimension]] = {
    "m": ("1", _LENGTH),
    "s": ("1", _TIME),
    "A": ("1", _dim(A=1)),
    "K": ("1", _dim(K=1)),
    "mol": ("1", _dim(mol=1)),
    "cd": ("1", _dim(cd=1)),
    "rad": ("1", _ANGLE),
    "gram": ("0.001", _MASS),
    "N": ("1", _FORCE),
    "Pa": ("1", _PRESSURE),
    "J": ("1", _ENERGY),
    "W": ("1", _POWER),
    "Hz": ("1", _FREQUENCY),
    "V": ("1", _VOLTAGE),
    "C": ("1", _CHARGE),
    "F": ("1", _dim(kg=-1, m=-2, s=4, A=2)),
    "ohm": ("1", _dim(kg=1, m=2, s=-3, A=-2)),
    "Ohm": ("1", _dim(kg=1, m=2, s=-3, A=-2)),
    "S": ("1", _dim(kg=-1, m=-2, s=3, A=2)),
    "Wb": ("1", _FLUX),
    "T": ("1", _dim(kg=1, s=-2, A=-1)),
    "H": ("1", _dim(kg=1, m=2, s=-2, A=-2)),
    "lm": ("1", _dim(cd=1, rad=2)),
    "lx": ("1", _dim(m=-2, cd=1, rad=2)),
    "Bq": ("1", _FREQUENCY),
    "Gy": ("1", _DOSE),
    "Sv": ("1", _DOSE),
    "kat": ("1", _dim(s=-1, mol=1)),
    "bar": ("100000", _PRESSURE),
    "l": ("0.001", _VOLUME),
    "L": ("0.001", _VOLUME),
    "eV": ("1.602176634e-19", _ENERGY),
    "cal": ("4.184", _ENERGY),
    "VA": ("1", _POWER),
    "var": ("1", _POWER),
    "Nm": ("1", _ENERGY),
    "Ns": ("1", _IMPULSE),
    "Ws": ("1", _ENERGY),
    "Wh": ("3600", _ENERGY),
    "As": ("1", _CHARGE),
    "Ah": ("3600", _CHARGE),
    "Vs": ("1", _FLUX),
}

# Taken as they stand, and before any prefix is tried: "min" is a minute, "cd" a candela, "ft" a foot.
PLAIN: dict[str, tuple[str, Dimension]] = {
    "1": ("1", NONE),
    "%": ("0.01", NONE),
    "permille": ("0.001", NONE),
    "ppm": ("0.000001", NONE),
    "ppb": ("0.000000001", NONE),
    # mass; "g" stands below, under acceleration
    "kg": ("1", _MASS),
    "mg": ("0.000001", _MASS),
    "ug": ("0.000000001", _MASS),
    "t": ("1000", _MASS),
    "tonne": ("1000", _MASS),
    "lb": ("0.45359237", _MASS),
    "lbm": ("0.45359237", _MASS),
    "oz": ("0.028349523125", _MASS),
    "slug": ("4.4482216152605/0.3048", _MASS),
    # length, area
    "inch": ("0.0254", _LENGTH),
    "in": ("0.0254", _LENGTH),
    "ft": ("0.3048", _LENGTH),
    "yd": ("0.9144", _LENGTH),
    "mi": ("1609.344", _LENGTH),
    "nmi": ("1852", _LENGTH),
    "ha": ("10000", _AREA),
    # time, angle
    "min": ("60", _TIME),
    "h": ("3600", _TIME),
    "hr": ("3600", _TIME),
    "d": ("86400", _TIME),
    "day": ("86400", _TIME),
    "week": ("604800", _TIME),
    "year": ("31557600", _TIME),
    "deg": ("pi/180", _ANGLE),
    "arcmin": ("pi/10800", _ANGLE),
    "arcsec": ("pi/648000", _ANGLE),
    "gon": ("pi/200", _ANGLE),
    "rev": ("2pi", _ANGLE),
    "sr": ("1", _dim(rad=2)),
    "rpm": ("pi/30", _ANGULAR_VELOCITY),
    # motion
    "mph": ("0.44704", _SPEED),
    "kn": ("1852/3600", _SPEED),
    "knot": ("1852/3600", _SPEED),
    "g": ("9.80665", _ACCELERATION),
    # force, pressure, energy, power
    "lbf": ("4.4482216152605", _FORCE),
    "kip": ("4448.2216152605", _FORCE),
    "kgf": ("9.80665", _FORCE),
    "dyn": ("0.00001", _FORCE),
    "atm": ("101325", _PRESSURE),
    "psi": ("4.4482216152605/0.00064516", _PRESSURE),
    "Torr": ("101325/760", _PRESSURE),
    "mmHg": ("133.322387415", _PRESSURE),
    "mmH2O": ("9.80665", _PRESSURE),
    "Btu": ("1055.05585262", _ENERGY),
    "BTU": ("1055.05585262", _ENERGY),
    "hp": ("745.69987158227022", _POWER),
    "PS": ("735.49875", _POWER),
    # temperature differences; OFFSETS turns the plain ones into temperatures
    "degC": ("1", _dim(K=1)),
    "degF": ("5/9", _dim(K=1)),
    "degR": ("5/9", _dim(K=1)),
}

# value in kelvin = value * factor + offset, only where the unit stands alone
OFFSETS = {"degC": "273.15", "degF": "2298.35/9"}

PREFIXES = {
    **{
        "da": 1,
        "h": 2,
        "k": 3,
        "M": 6,
        "G": 9,
        "T": 12,
        "P": 15,
        "E": 18,
        "Z": 21,
        "Y": 24,
        "R": 27,
        "Q": 30,
    },
    **{"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24},
}

# Written otherwise elsewhere: named in errors, not accepted. One unit, one spelling.
HINTS = {
    wrong: right
    for right, wrongs in {
        "km/h": "kmh kph kmph",
        "m/s": "mps",
        "ft/s": "fps",
        "kn": "kt kts knots",
        "rev/s": "rps",
        "s": "sec secs second seconds",
        "ms": "msec",
        "us": "usec",
        "min": "minute minutes",
        "h": "hour hours hrs",
        "d": "days",
        "year": "years",
        "m": "meter meters metre metres",
        "um": "micron microns",
        "ft": "foot feet",
        "in": "inches",
        "kg": "kilogram kilograms",
        "gram": "grams gramme gr",
        "t": "ton tons",
        "lb": "lbs pound pounds",
        "N": "newton newtons",
        "J": "joule joules",
        "W": "watt watts",
        "V": "volt volts",
        "A": "amp amps ampere amperes",
        "Hz": "hertz",
        "Pa": "pascal",
        "K": "kelvin degk",
        "degC": "celsius centigrade",
        "degF": "fahrenheit",
        "deg": "degree degrees",
        "rad": "radian radians",
        "%": "percent",
        "l": "litre liter",
        "g": "gs gn",
        "rev": "revs",
        "cm^3": "cc",
    }.items()
    for wrong in wrongs.split()
}

NAMES: dict[Dimension, str] = {
    NONE: "plain number",
    _LENGTH: "length",
    _AREA: "area",
    _VOLUME: "volume",
    _dim(m=-1): "curvature",
    _TIME: "time",
    _FREQUENCY: "frequency",
    _SPEED: "speed",
    _ACCELERATION: "acceleration",
    _dim(m=1, s=-3): "jerk",
    _dim(m=3, s=-1): "volume flow",
    _dim(m=2, s=-1): "kinematic viscosity",
    _DOSE: "specific energy",
    _MASS: "mass",
    _dim(kg=1, m=-1): "mass per length",
    _dim(kg=1, m=-2): "mass per area",
    _dim(kg=1, m=-3): "density",
    _dim(kg=1, m=2): "moment of inertia",
    _dim(kg=1, s=-1): "mass flow or damping",
    _dim(kg=1, s=-2): "stiffness",
    _dim(kg=1, s=-3): "power per area",
    _IMPULSE: "momentum",
    _FORCE: "force",
    _ENERGY: "energy or torque",
    _POWER: "power",
    _PRESSURE: "pressure",
    _dim(kg=1, m=-1, s=-1): "dynamic viscosity",
    _ANGLE: "angle",
    _dim(rad=2): "solid angle",
    _ANGULAR_VELOCITY: "angular velocity",
    _dim(s=-2, rad=1): "angular acceleration",
    _dim(kg=1, m=2, s=-2, rad=-1): "rotational stiffness",
    _dim(kg=1, m=2, s=-1, rad=-1): "rotational damping",
    _dim(A=1): "current",
    _CHARGE: "charge",
    _VOLTAGE: "voltage",
    _dim(kg=1, m=2, s=-3, A=-2): "resistance",
    _dim(kg=-1, m=-2, s=3, A=2): "conductance",
    _dim(kg=-1, m=-2, s=4, A=2): "capacitance",
    _dim(kg=1, m=2, s=-2, A=-2): "inductance",
    _FLUX: "magnetic flux",
    _dim(kg=1, s=-2, A=-1): "magnetic flux density",
    _dim(kg=1, m=1, s=-3, A=-1): "electric field",
    _dim(K=1): "temperature",
    _dim(K=-1): "change per temperature",
    _dim(s=-1, K=1): "temperature rate",
    _dim(kg=1, m=2, s=-2, K=-1): "heat capacity",
    _dim(m=2, s=-2, K=-1): "specific heat capacity",
    _dim(kg=1, m=1, s=-3, K=-1): "thermal conductivity",
    _dim(kg=1, s=-3, K=-1): "heat transfer coefficient",
    _dim(kg=1, m=2, s=-3, K=-1): "thermal conductance",
    _dim(kg=-1, m=-2, s=3, K=1): "thermal resistance",
    _dim(mol=1): "amount of substance",
    _dim(kg=1, mol=-1): "molar mass",
    _dim(m=-3, mol=1): "concentration",
    _dim(s=-1, mol=1): "molar flow",
    _dim(kg=1, m=2, s=-2, mol=-1): "molar energy",
    _dim(kg=1, m=2, s=-2, K=-1, mol=-1): "molar heat capacity",
    _dim(cd=1): "luminous intensity",
    _dim(cd=1, rad=2): "luminous flux",
    _dim(m=-2, cd=1, rad=2): "illuminance",
}
