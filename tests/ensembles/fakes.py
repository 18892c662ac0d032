"""What sweeps compute in tests of everything but the physics: quick, and a function of the seed alone."""

import os
import time
from pathlib import Path

import numpy as np

from anderson_ness.ensembles import InformationRow, Point, Row, Task
from anderson_ness.ensembles.information import MEASURED

POINT = Point(4, 10.0, 3.0, 1.0, 3.0)


def row(seed=1, bias=0.1, point=POINT, rtol=1e-3, profiles=True, **values):
    """A row whose coherence depends on seed and bias alone."""
    profile = np.linspace(1, -1, point.length, dtype="<f4").tobytes() if profiles else None
    coherence = bias * (1 + np.random.default_rng(seed).random())
    made = Row(*point, rtol, seed, bias, coherence, 2.0, 1e-4, True, 0.5, profile, profile, 3, 1e-3, seconds=1e-3)
    return made._replace(**values)


def quick(task: Task) -> list[Row]:
    """Rows without any computing."""
    return [row(task.seed, bias, task.point, task.rtol) for bias in task.biases]


def noted(task: Task, file: str) -> list[Row]:
    """`quick`, and a line in a file for every task; short lines are appended whole."""
    with open(file, "a") as notes:
        notes.write(f"{task.point.length} {task.seed} {' '.join(map(str, task.biases))}\n")
    return quick(task)


def slow(task: Task, seconds: float, file: str) -> list[Row]:
    """`noted`, after some time."""
    time.sleep(seconds)
    return noted(task, file)


def failing(task: Task, seed: int) -> list[Row]:
    """`quick`, but one seed fails."""
    if task.seed == seed:
        raise ArithmeticError("this one\nfails")
    return quick(task)


def greedy(task: Task, seed: int) -> list[Row]:
    """`quick`, but one seed takes all the memory it gets."""
    if task.seed == seed:
        hoard = [np.ones(10_000_000) for _ in range(100)]
        time.sleep(60)
        return [row(len(hoard))]
    return quick(task)


def dying_once(task: Task, seed: int, folder: str) -> list[Row]:
    """`quick`, but the worker that first computes one seed is killed from outside."""
    mark = Path(folder) / "killed"
    if task.seed == seed and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return quick(task)


def information(seed=1, bias=0.1, point=POINT, rtol=1e-3, **values):
    """A row whose numbers depend on seed and bias alone."""
    numbers = bias * (1 + np.random.default_rng(seed).random(len(MEASURED)))
    made = InformationRow._make([*point, rtol, seed, bias, *numbers.tolist(), True, 0.5])
    return made._replace(**values)


def either(task: Task) -> list[Row | InformationRow]:
    """Rows of the quantity asked for, without any computing."""
    if task.quantity == "coherence":
        return quick(task)
    return [information(task.seed, bias, task.point, task.rtol) for bias in task.biases]
