"""Ensembles of another quantity: the information in the full steady state."""

import math
import sqlite3
import warnings

import pytest
from ensembles import fakes
from ensembles.fakes import POINT, information, row

from anderson_ness import steady_state_information
from anderson_ness.ensembles import (
    SpecificationError,
    Store,
    compute_sample,
    read_row,
    read_specification,
    read_table,
    status,
    sweep,
    table,
)
from anderson_ness.ensembles import information as information_module
from anderson_ness.ensembles.information import MEASURED
from anderson_ness.ensembles.plan import Group, missing, plan, require_wanted
from anderson_ness.ensembles.quantities import KEY, QUANTITIES, followed, quantity_of
from anderson_ness.ensembles.remake import remake
from anderson_ness.ensembles.samples import Point, Task
from anderson_ness.ensembles.store import STORE
from anderson_ness.states.result import ConvergenceWarning

TOY = 'quantity = "information"\n[[points]]\ndisorder = 10\nlength = 4\nbias = [0.1, 0.3]\nsamples = 3\n'
GROUP = Group(POINT, 1e-3, "information")


def test_every_quantity_has_the_same_key():
    for name, quantity in QUANTITIES.items():
        assert quantity.fields[: len(KEY)] == KEY
        assert {quantity.mean_of, "converged", "seconds", *quantity.optional} <= set(quantity.fields)
        assert {"coherence": row(), "information": information()}[name]._fields == quantity.fields
    assert [quantity_of(one) for one in (row(), information())] == list(QUANTITIES)
    assert followed(information(5)) == information(5).mutual_information
    assert followed(row(5)) == row(5).coherence


def test_rows_are_what_the_steady_state_holds():
    point = Point(3, 12.0, 2.0, 1.0, 1.5)
    rows = compute_sample(Task(point, 1e-6, 11, (0.2, 0.5), "information"))
    for one, bias in zip(rows, (0.2, 0.5), strict=True):
        assert one[: len(KEY)] == (*point, 1e-6, 11, bias)
        measured = steady_state_information(point.bar(11), bias, rtol=1e-6)
        assert {name: getattr(one, name) for name in MEASURED} == pytest.approx(measured, rel=1e-9)
        assert one.converged is True
        assert one.seconds > 0


def test_rows_say_whether_they_converged(monkeypatch):
    def halting(bar, bias, rtol):
        if bias > 0.2:
            warnings.warn("not there", ConvergenceWarning, stacklevel=2)
        return dict.fromkeys(MEASURED, 1.0)

    monkeypatch.setattr(information_module, "steady_state_information", halting)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = compute_sample(Task(POINT, 1e-6, 1, (0.1, 0.3), "information"))
    assert [one.converged for one in rows] == [True, False]


def test_the_store_keeps_quantities_apart(tmp_path):
    rows = [information(seed, bias) for seed in (5, 2**63 - 1) for bias in (0.1, 0.3)]
    strange = information(1, negativity=math.nan, converged=False)
    with Store(tmp_path / "samples.sqlite") as store:
        store.add([*rows, row(5), strange, information(5, negativity=7.0)])
        (first, *rest) = store.rows(*GROUP)
        assert math.isnan(first.negativity) and first.converged is False
        assert rest == rows
        assert store.rows(POINT, 1e-3) == [row(5)]
        assert store.present(*GROUP) == {(one.seed, one.bias): True for one in [strange, *rows]}
        assert store.present_of(*GROUP, seed=5) == {0.1: True, 0.3: True}


def test_stores_of_before_get_the_new_table_and_keep_theirs(tmp_path):
    path = tmp_path / "samples.sqlite"
    with Store(path) as store:
        store.add([row(1)], "abc")
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE information")
    database.close()
    with Store(path) as store:
        assert store.rows(POINT, 1e-3) == [row(1)]
        assert store.has_table("abc")
        store.add([information(1)])
        assert store.rows(*GROUP) == [information(1)]


def test_tables_hold_all_columns(specify, tmp_path):
    specification = read_specification(specify(TOY))
    rows = [information(seed, bias) for seed in (1, 2) for bias in (0.1, 0.3)]
    (path,) = table.publish(specification, reversed(rows), tmp_path)
    assert table.read_rows([path]) == rows
    assert read_row("toy", 2, tmp_path) == rows[2]
    frame = read_table("toy", tmp_path)
    assert frame.columns[:7].tolist() == ["length", "disorder", "seed", "bias", "t_parallel", "t_perp", "t_contact"]
    assert frame.columns[7:].tolist() == [*MEASURED, "converged", "seconds"]
    assert frame["negativity"].tolist() == [one.negativity for one in rows]
    assert frame.attrs["quantity"] == "information"


def test_a_table_of_one_quantity_is_not_extended_by_another(specify, tmp_path):
    specification = read_specification(specify(TOY))
    seeds = specification.seeds(specification.wanted[0])
    require_wanted([information(seeds[0])], specification)
    with pytest.raises(SpecificationError, match=r"does not ask for a row that the table toy holds"):
        require_wanted([row(seeds[0], profiles=False)], specification)


def test_quantities_are_planned_apart(specify, tmp_path):
    both = [read_specification(specify(TOY)), read_specification(specify(TOY.replace("information", "coherence"), "c"))]
    wanted = plan(both)
    assert set(wanted) == {GROUP, Group(POINT, 1e-3)}
    seeds = both[0].seeds(both[0].wanted[0])
    with Store(tmp_path / "samples.sqlite") as store:
        store.add([row(seeds[0]), information(seeds[1], 0.3)])
        tasks = missing(wanted, store)
    assert tasks[GROUP] == [
        GROUP.task(seed, some) for seed, some in zip(seeds, ((0.1, 0.3), (0.1,), (0.1, 0.3)), strict=True)
    ]
    assert Task(POINT, 1e-3, seeds[0], (0.3,), "coherence") in tasks[Group(POINT, 1e-3)]


def test_a_sweep_over_both(address, specify, tmp_path):
    paths = [specify(TOY), specify(TOY.replace("information", "coherence"), "other")]
    assert sweep(paths, tmp_path, scheduler=address, compute=fakes.either).computed == 6
    frame = read_table("toy", tmp_path)
    expected = [information(seed, bias) for seed, bias in zip(frame["seed"], frame["bias"], strict=True)]
    assert frame["mutual_information"].tolist() == [one.mutual_information for one in expected]
    assert len(read_table("other", tmp_path)) == 6
    for point in status(paths[0], tmp_path):
        chosen = frame[frame["bias"] == point.bias]["mutual_information"]
        assert (point.quantity, point.done, point.wanted) == ("information", 3, 3)
        assert (point.mean, point.standard_error) == (pytest.approx(chosen.mean()), pytest.approx(chosen.sem()))
    # A fresh clone has the tables alone.
    for file in (tmp_path / STORE).parent.iterdir():
        file.unlink()
    assert sweep(paths, tmp_path, scheduler=address, compute=fakes.either).computed == 0


def test_a_row_again():
    point = Point(2, 12.0, 3.0, 1.0, 3.0)
    (right,) = compute_sample(Task(point, 1e-6, 11, (0.2,), "information"))
    comparisons = {one.quantity: one for one in remake(right)}
    assert tuple(comparisons) == MEASURED
    assert all(one.agrees for one in comparisons.values())
    wrong = right._replace(equilibrium_negativity=right.equilibrium_negativity * 1.001)
    assert [one.quantity for one in remake(wrong) if not one.agrees] == ["equilibrium_negativity"]
