"""Specifications: which samples an ensemble consists of, read from a TOML file.

::

    title = "C_d against size"       # for people
    rtol = 1e-3                      # of each sample; default 1e-3
    root_seed = 2019                 # default; ensembles of equal root seed share their samples
    quantity = "coherence"           # what is computed: this, the default, or "information"
    profiles = true                  # publish density_profile and spectral_weight of the coherence; default false

    [leads]                          # each a number or a list; default: the paper's 3 and 1
    t_parallel = 3.0
    t_perp = 1.0
    t_contact = [1.0, 3.0]           # default: t_parallel

    [[points]]                       # every combination of the lists
    disorder = [10.0, 21.0]
    length = [8, 12]
    bias = [0.05]                    # in units of the hopping,
    bias_over_Wc = [3e-3]            # or of Wc = 16.5,
    X = [18, 24, 30]                 # or as X = bias L0^3 / Wc; any of the three, together
    samples = [400, 300]             # one number, or one for each length
    target = 0.01                    # relative standard error aimed at (likewise); only `status` looks at it
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anderson_ness import _check
from anderson_ness.ensembles.errors import SpecificationError
from anderson_ness.ensembles.quantities import COHERENCE, QUANTITIES
from anderson_ness.ensembles.samples import Point, sample_seed

CRITICAL_DISORDER = 16.5  # in X, a fixed number even where the critical disorder strength is fitted
DEFAULT_ROOT_SEED = 2019
DEFAULT_RTOL = 1e-3
_STRONGEST_DISORDER = 4000.0  # its millionths fit 32 bits, which keeps the seeds' entropies apart
_LEADS = {"t_parallel": 3.0, "t_perp": 1.0}
_TOP = ("title", "rtol", "root_seed", "quantity", "profiles", "leads", "points")
_BIASES = ("bias", "bias_over_Wc", "X")
_BLOCK = ("disorder", "length", *_BIASES, "samples", "target")


@dataclass(frozen=True)
class Wanted:
    """``samples`` samples of a point at one bias; ``target`` is the relative standard error aimed at, if any.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_specification
    >>> wanted = read_specification("data/ensembles/fig2a.toml").wanted[0]
    >>> wanted.samples > 0, round(wanted.bias, 4)
    (True, 0.0495)
    """

    point: Point
    bias: float
    samples: int
    target: float | None


@dataclass(frozen=True)
class Specification:
    """An ensemble: its name (the file's), the text it was read from, and what it wants.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_specification
    >>> read_specification("data/ensembles/fig2b.toml").name
    'fig2b'
    """

    name: str
    path: Path
    text: str
    rtol: float
    root_seed: int
    quantity: str
    profiles: bool
    wanted: tuple[Wanted, ...]

    def seeds(self, wanted: Wanted) -> list[int]:
        """Seeds of the samples, in their order: more samples go on where fewer end."""
        length, disorder = wanted.point[:2]
        return [sample_seed(self.root_seed, length, disorder, index) for index in range(wanted.samples)]


def read_specification(path: str | Path) -> Specification:
    """Read and check a specification; its name is that of the file.

    Raises
    ------
    SpecificationError
        If the file cannot be read or is no TOML, or a key is unknown, missing or out of range; the message says
        which file, which key and what is allowed.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_specification
    >>> fig2a = read_specification("data/ensembles/fig2a.toml")
    >>> fig2a.name, len(fig2a.wanted) > 3
    ('fig2a', True)
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise SpecificationError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecificationError(f"{path} is not a TOML file: {error}") from error
    try:
        return _specification(path, text, content)
    except SpecificationError:
        raise
    except ValueError as error:
        raise SpecificationError(f"{path}: {error}") from error


def _specification(path: Path, text: str, content: dict[str, Any]) -> Specification:
    _known("", content, _TOP)
    quantity, profiles = content.get("quantity", COHERENCE), content.get("profiles", False)
    if quantity not in list(QUANTITIES):
        raise ValueError(f"quantity must be one of {', '.join(QUANTITIES)}, not {quantity!r}")
    if not isinstance(profiles, bool):
        raise ValueError(f"profiles must be true or false, not {profiles!r}")
    if profiles and not QUANTITIES[quantity].optional:
        raise ValueError(f"profiles must be false where quantity is {quantity}, which has none")
    if not isinstance(content.get("title", ""), str):
        raise ValueError("title must be a text")
    return Specification(
        name=path.stem,
        path=path,
        text=text,
        rtol=_check.tolerance("rtol", content.get("rtol", DEFAULT_RTOL)),
        root_seed=_root_seed(content.get("root_seed", DEFAULT_ROOT_SEED)),
        quantity=quantity,
        profiles=profiles,
        wanted=_all_wanted(content),
    )


def _root_seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError(f"root_seed must be an integer from 0 to 2**32 - 1, not {value!r}")
    return value


def _all_wanted(content: dict[str, Any]) -> tuple[Wanted, ...]:
    leads = list(_leads(content.get("leads", {})))
    blocks = content.get("points")
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise ValueError("points must be given at least once, as a [[points]] block")
    found: dict[tuple[Point, float], Wanted] = {}
    for number, block in enumerate(blocks, start=1):
        in_block = {(one.point, one.bias): one for one in _block(f"points block {number}", block, leads)}
        for key in found.keys() & in_block.keys():
            raise ValueError(f"points block {number} names {key[0]} at bias {key[1]:g} again: once is allowed")
        found.update(in_block)
    return tuple(found[key] for key in sorted(found))


def _leads(table: Any) -> Iterator[tuple[float, float, float]]:
    if not isinstance(table, dict):
        raise ValueError("leads must be a [leads] table")
    _known("leads.", table, (*_LEADS, "t_contact"))
    along = _numbers("leads.t_parallel", table.get("t_parallel", _LEADS["t_parallel"]), _check.nonzero_number)
    across = _numbers("leads.t_perp", table.get("t_perp", _LEADS["t_perp"]), _check.finite_number)
    for t_parallel, t_perp in itertools.product(along, across):
        for t_contact in _numbers("leads.t_contact", table.get("t_contact", t_parallel), _check.nonzero_number):
            yield t_parallel, t_perp, t_contact


def _block(where: str, block: dict[str, Any], leads: list[tuple[float, float, float]]) -> Iterator[Wanted]:
    _known(f"{where}, ", block, _BLOCK)
    for key in ("disorder", "length", "samples"):
        if key not in block:
            raise ValueError(f"{where}, {key} is missing")
    if not any(key in block for key in _BIASES):
        raise ValueError(f"{where} must give a bias, as one or more of {', '.join(_BIASES)}")
    disorders = _numbers(f"{where}, disorder", block["disorder"], _disorder)
    lengths = [_length(f"{where}, length", value) for value in _entries(f"{where}, length", block["length"])]
    samples = _for_each_length(f"{where}, samples", block["samples"], len(lengths))
    targets = _for_each_length(f"{where}, target", block.get("target"), len(lengths))
    for length, n_samples, target in zip(lengths, samples, targets, strict=True):
        n_checked = _check.positive_integer(f"{where}, samples", n_samples)
        aim = None if target is None else _target(f"{where}, target", target)
        for disorder, hoppings, bias in itertools.product(disorders, leads, _biases(where, block, length)):
            yield Wanted(Point(length, disorder, *hoppings), bias, n_checked, aim)


def _biases(where: str, block: dict[str, Any], length: int) -> list[float]:
    """All biases of a block in units of the hopping; the same bias said in two ways counts once."""
    units = {"bias": 1.0, "bias_over_Wc": CRITICAL_DISORDER, "X": CRITICAL_DISORDER / length**3}
    named = [
        _canonical(value * units[key])
        for key in _BIASES
        if key in block
        for value in _numbers(f"{where}, {key}", block[key], _positive_number)
    ]
    return sorted(set(named))


def _canonical(value: float) -> float:
    """Rounded to twelve digits, so that equal biases are equal whichever way they were computed."""
    return float(f"{value:.12g}")


def _for_each_length(name: str, value: Any, n_lengths: int) -> Sequence[Any]:
    if not isinstance(value, list):
        return [value] * n_lengths
    if len(value) != n_lengths:
        raise ValueError(f"{name} must be one number or one for each of the {n_lengths} lengths, not {len(value)}")
    return value


def _known(prefix: str, table: dict[str, Any], allowed: Sequence[str]) -> None:
    for key in sorted(table.keys() - set(allowed)):
        raise ValueError(f"{prefix}{key} is unknown: allowed are {', '.join(allowed)}")


def _entries(name: str, value: Any) -> list[Any]:
    entries = value if isinstance(value, list) else [value]
    if not entries:
        raise ValueError(f"{name} must not be empty")
    return entries


def _numbers(name: str, value: Any, check: Any) -> list[float]:
    return [_canonical(check(name, entry)) for entry in _entries(name, value)]


def _length(name: str, value: Any) -> int:
    length = _check.positive_integer(name, value)
    if not 2 <= length <= 1000:
        raise ValueError(f"{name} must lie between 2 and 1000, not {value!r}")
    return length


def _disorder(name: str, value: Any) -> float:
    disorder = _check.non_negative_number(name, value)
    if disorder > _STRONGEST_DISORDER or round(disorder, 6) != disorder:
        raise ValueError(f"{name} must be at most {_STRONGEST_DISORDER:g} and have at most six decimals, not {value!r}")
    return disorder


def _positive_number(name: str, value: Any) -> float:
    number = _check.finite_number(name, value, "a finite number > 0")
    if number <= 0:
        raise ValueError(f"{name} must be a finite number > 0, not {value!r}")
    return number


def _target(name: str, value: Any) -> float:
    number = _check.finite_number(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value!r}")
    return number
