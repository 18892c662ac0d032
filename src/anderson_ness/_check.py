"""Checks of arguments: each says which argument is wrong and what is allowed."""

import numbers
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray


def finite_number(name: str, value: object, allowed: str = "a finite real number") -> float:
    """Return ``value`` as a float, or raise ValueError naming the argument."""
    number = np.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return number


def real_array(name: str, value: object) -> NDArray[np.float64]:
    """Return a copy as an array of finite floats, or raise ValueError naming the argument."""
    array = as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold finite real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        array = np.array(array, dtype=float, order="C")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must hold finite real numbers")
    return array


def as_array(name: str, value: object) -> NDArray:
    """Return ``numpy.asarray(value)``, or raise ValueError naming the argument if its rows differ in length."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array whose rows have equal lengths") from error


def nonzero_number(name: str, value: object) -> float:
    """Return a finite float that is not zero, or raise ValueError naming the argument."""
    number = finite_number(name, value, "a finite number other than 0")
    if number == 0:
        raise ValueError(f"{name} must be a finite number other than 0, not {value!r}")
    return number


def non_negative_number(name: str, value: object) -> float:
    """Return a finite float >= 0, or raise ValueError naming the argument."""
    number = finite_number(name, value, "a finite number >= 0")
    if number < 0:
        raise ValueError(f"{name} must be a finite number >= 0, not {value!r}")
    return number


def tolerance(name: str, value: object) -> float:
    """Return a relative tolerance between 1e-13 and 0.5, or raise ValueError."""
    number = finite_number(name, value)
    if not 1e-13 <= number <= 0.5:
        raise ValueError(f"{name} must lie between 1e-13 and 0.5, not {value!r}")
    return number


def positive_integer(name: str, value: object) -> int:
    """Return a positive int, or raise ValueError naming the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value)


def one_of(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return ``value`` if it is one of the allowed words, or raise ValueError."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value
