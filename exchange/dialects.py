"""The two ways in which Dhan's servers print JSON.

Orders, funds and charts come from Java services, which print doubles as ``Double.toString`` does; quotes and chains
come from Go services, which print a whole double without a point. Both leave out spaces.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Literal, Union

Json = Union[Mapping[str, "Json"], Sequence["Json"], str, int, float, bool, None]  # noqa: UP007 - it names itself
Dialect = Literal["java", "go"]

_JAVA_PLAIN = (1e-3, 1e7)  # java.lang.Double.toString
_GO_PLAIN = (1e-6, 1e21)  # Go's encoding/json


def java_double(value: float) -> str:
    """Return a double as Java prints it: ``115.64``, ``0.0``, ``1.7375706E9``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == 0.0 or _JAVA_PLAIN[0] <= abs(value) < _JAVA_PLAIN[1]:
        return repr(value)
    sign, digits, exponent = _scientific(value)
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def go_double(value: float) -> str:
    """Return a double as Go prints it: ``126``, ``-0``, ``23092.19921875``, ``1e-7``.

    Raises
    ------
    ValueError
        If the value is not finite; Go refuses to print it.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is not JSON in Go; leave it out or send 0")
    if value == 0.0 or _GO_PLAIN[0] <= abs(value) < _GO_PLAIN[1]:
        text = repr(value)
        return text.removesuffix(".0") if "e" not in text else format(Decimal(text), "f")
    sign, digits, exponent = _scientific(value)
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{exponent:+d}"


def float32(value: float) -> float:
    """Return the value as it looks after a trip through 32 bits, as the underlying's price in a chain does."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def rupees(paise: int) -> float:
    """Return whole paise as the double that goes over the wire."""
    return paise / 100.0


def paise(amount: float) -> int:
    """Return rupees from the wire as whole paise; a price that is not a whole number of paise is rounded.

    Raises
    ------
    ValueError
        If the amount is not finite.
    """
    if not math.isfinite(amount):
        raise ValueError(f"{amount} is not an amount of rupees; send a finite number")
    return round(amount * 100.0)


def dumps(value: Json, dialect: Dialect) -> bytes:
    """Return JSON text in a dialect. Ints print alike in both; floats do not.

    Raises
    ------
    ValueError
        If a float is not finite and the dialect is Go's.
    TypeError
        If something in `value` is not JSON.
    """
    parts: list[str] = []
    _write(value, parts.append, java_double if dialect == "java" else go_double)
    return "".join(parts).encode()


def _write(value: Json, put: Callable[[str], None], number: Callable[[float], str]) -> None:
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None or isinstance(value, bool):
        put({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int):
        put(str(value))
    elif isinstance(value, float):
        put(number(value))
    elif isinstance(value, Mapping):
        _write_object(value, put, number)
    elif isinstance(value, Sequence):
        _write_array(value, put, number)
    else:
        raise TypeError(f"{type(value).__name__} is not JSON; convert it first")


def _write_object(value: Mapping[str, Json], put: Callable[[str], None], number: Callable[[float], str]) -> None:
    between = "{"
    for key, item in value.items():
        put(f"{between}{encode_basestring(key)}:")
        _write(item, put, number)
        between = ","
    put("}" if value else "{}")


def _write_array(value: Sequence[Json], put: Callable[[str], None], number: Callable[[float], str]) -> None:
    between = "["
    for item in value:
        put(between)
        _write(item, put, number)
        between = ","
    put("]" if value else "[]")


def _scientific(value: float) -> tuple[str, str, int]:
    """Return sign, shortest significant digits, and the exponent of the first of them."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    power = int(exponent) + len(text) - 1
    return "-" * sign, text.rstrip("0"), power
