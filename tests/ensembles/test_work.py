import math

import pytest
from ensembles.fakes import POINT, row

from anderson_ness.ensembles.plan import Group
from anderson_ness.ensembles.work import Work, add_to_means, duration

SMALL, LARGE = Group(POINT, 1e-3), Group(POINT._replace(length=8), 1e-3)


def test_time_left_is_samples_times_their_time_over_workers():
    work = Work({SMALL: 10, LARGE: 3})
    assert (work.total, work.n_left) == (13, 13)
    assert math.isnan(work.seconds_left())
    for seconds in (1.0, 2.0, 3.0):
        work.computed(SMALL, seconds)
        work.finished(SMALL)
    work.computed(LARGE, 20.0)
    work.finished(LARGE)
    work.n_workers = 2
    assert work.seconds_left() == (7 * 2.0 + 2 * 20.0) / 2
    assert work.n_left == 9


def test_what_was_not_timed_costs_as_its_neighbour_scaled():
    work = Work({SMALL: 1, LARGE: 1, Group(POINT._replace(length=16), 1e-3): 1})
    work.computed(SMALL, 1.0)
    work.computed(LARGE, 10.0)
    assert work.cost(Group(POINT._replace(length=16), 1e-3)) == 10.0 * 2**5
    assert work.cost(Group(POINT._replace(disorder=30.0), 1e-3)) == 1.0


def test_means_leave_out_what_is_no_number():
    means = {}
    add_to_means(means, [row(1, coherence=1.0), row(2, coherence=3.0), row(3, coherence=math.nan), row(1, 0.3)])
    assert (means[POINT, 0.1, "coherence"].count, means[POINT, 0.1, "coherence"].mean) == (2, 2.0)
    assert means[POINT, 0.3, "coherence"].count == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.2, "3 s"), (89, "89 s"), (100, "2 min"), (5000, "83 min"), (7800, "2 h 10 min"), (math.nan, "an unknown time")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
