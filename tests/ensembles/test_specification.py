import itertools
from pathlib import Path

import pytest

from anderson_ness.ensembles import CRITICAL_DISORDER, Point, SpecificationError, read_specification, sample_seed

DATA = Path(__file__).parents[2] / "data" / "ensembles"
FULL = """
title = "a toy"
rtol = 1e-4
root_seed = 7
profiles = true
[leads]
t_parallel = 2.0
t_contact = [1.0, 2.0]
[[points]]
disorder = [10, 16.5]
length = [4, 8]
X = [18, 24]
samples = [30, 20]
target = 0.1
"""
SMALL = "[[points]]\ndisorder = 10\nlength = 4\nbias = 0.1\nsamples = 3\n"


def test_every_combination_of_the_lists(specify):
    specification = read_specification(specify(FULL))
    assert (specification.name, specification.rtol, specification.root_seed) == ("toy", 1e-4, 7)
    assert specification.profiles is True
    assert specification.text == FULL
    assert len(specification.wanted) == 16
    for one in specification.wanted:
        assert one.samples == {4: 30, 8: 20}[one.point.length]
        assert one.target == 0.1
        assert one.bias * one.point.length**3 / 16.5 in (pytest.approx(18, rel=1e-11), pytest.approx(24, rel=1e-11))
    points = {one.point for one in specification.wanted}
    assert points == {Point(*some, 2.0, 1.0, c) for *some, c in itertools.product((4, 8), (10.0, 16.5), (1.0, 2.0))}


def test_defaults_are_the_papers(specify):
    specification = read_specification(specify(SMALL))
    assert specification.wanted[0].point == Point(4, 10.0, 3.0, 1.0, 3.0)
    assert (specification.rtol, specification.profiles) == (1e-3, False)
    assert specification.wanted[0].target is None


def test_equal_biases_are_one_however_they_are_named(specify):
    content = SMALL.replace("bias = 0.1", "bias = 0.0495\nX = 24\nbias_over_Wc = 3e-3").replace("= 4", "= 20")
    (one,) = read_specification(specify(content)).wanted
    assert one.bias == 0.0495


def test_seeds_go_on_where_fewer_end(specify):
    few = read_specification(specify(SMALL))
    more = read_specification(specify(SMALL.replace("samples = 3", "samples = 5")))
    assert more.seeds(more.wanted[0])[:3] == few.seeds(few.wanted[0])
    assert few.seeds(few.wanted[0]) == [sample_seed(few.root_seed, 4, 10.0, index) for index in range(3)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bias = 0.1", "bias = 0", "points block 1, bias must be a finite number > 0, not 0"),
        ("bias = 0.1", "bias = -0.1", "bias must be a finite number > 0"),
        ("bias = 0.1", "bias = nan", "bias must be a finite number > 0"),
        ("bias = 0.1", "bias = []", "bias must not be empty"),
        ("bias = 0.1", "", "must give a bias, as one or more of bias, bias_over_Wc, X"),
        ("bias = 0.1", "X = '24'", "X must be a finite number > 0"),
        ("length = 4", "length = 0", "length must be a positive integer"),
        ("length = 4", "length = 1", "length must lie between 2 and 1000"),
        ("length = 4", "length = 4.5", "length must be a positive integer"),
        ("length = 4", "", "points block 1, length is missing"),
        ("disorder = 10", "disorder = -1", "disorder must be a finite number >= 0"),
        ("disorder = 10", "disorder = 1.23456789", "at most six decimals"),
        ("disorder = 10", "disorder = 5000", "disorder must be at most 4000"),
        ("samples = 3", "samples = 0", "samples must be a positive integer"),
        ("samples = 3", "samples = true", "samples must be a positive integer"),
        ("samples = 3", "samples = [3, 4]", "one for each of the 1 lengths, not 2"),
        ("samples = 3", "samples = 3\ntarget = 2", "target must lie between 0 and 1"),
        ("samples = 3", "samples = 3\nsmples = 3", "points block 1, smples is unknown: allowed are disorder, length"),
        ("[[points]]", "rtol = 0\n[[points]]", "rtol must lie between 1e-13 and 0.5"),
        ("[[points]]", "root_seed = -1\n[[points]]", "root_seed must be an integer from 0"),
        ("[[points]]", "profiles = 1\n[[points]]", "profiles must be true or false"),
        (
            "[[points]]",
            "quantity = 'entropy'\n[[points]]",
            "quantity must be one of coherence, information, not 'entropy'",
        ),
        ("[[points]]", "quantity = 3\n[[points]]", "quantity must be one of coherence, information, not 3"),
        (
            "[[points]]",
            "quantity = 'information'\nprofiles = true\n[[points]]",
            "profiles must be false where quantity is information",
        ),
        ("[[points]]", "title = 1\n[[points]]", "title must be a text"),
        ("[[points]]", "tilte = 'x'\n[[points]]", "tilte is unknown: allowed are title"),
        ("[[points]]", "leads = 3\n[[points]]", "leads must be a [leads] table"),
        ("[[points]]", "[leads]\nt_parallel = 0\n[[points]]", "leads.t_parallel must be a finite number other than 0"),
        ("[[points]]", "[leads]\nt_other = 1\n[[points]]", "leads.t_other is unknown"),
        ("[[points]]", "[points]", "points must be given at least once, as a [[points]] block"),
        (SMALL, "", "points must be given at least once"),
        (SMALL, SMALL + SMALL, "points block 2 names L0 = 4, W = 10, t_contact = 3 at bias 0.1 again"),
        ("bias = 0.1", "bias 0.1", "is not a TOML file"),
    ],
)
def test_errors_name_file_key_and_what_is_allowed(specify, old, new, message):
    path = specify(SMALL.replace(old, new))
    with pytest.raises(SpecificationError) as caught:
        read_specification(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(SpecificationError, match=r"nothing.toml cannot be read: No such file"):
        read_specification(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecificationError, match=r"is not a TOML file"):
        read_specification(tmp_path / "binary.toml")


def of(name):
    return read_specification(DATA / f"{name}.toml")


def points_of(specification):
    return {(one.point.length, one.point.disorder) for one in specification.wanted}


def test_the_papers_ensembles_share_their_samples():
    specifications = [of(path.stem) for path in DATA.glob("*.toml")]
    assert len({one.root_seed for one in specifications}) == 1
    assert {(one.quantity, one.rtol) for one in specifications} == {("coherence", 1e-3), ("information", 1e-6)}


def test_fig2a_has_the_papers_points():
    specification = of("fig2a")
    lengths = (12, 14, 16, 18, 20, 24, 32)
    assert points_of(specification) == set(itertools.product(lengths, (10.0, 16.5, 21.0)))
    assert {one.bias for one in specification.wanted} == {3e-3 * CRITICAL_DISORDER}


def test_fig2b_brackets_x_at_every_point():
    specification = of("fig2b")
    lengths = {length for length, _ in points_of(specification)}
    disorders = {disorder for _, disorder in points_of(specification)}
    assert lengths == {8, 10, 12, 14, 16, 18, 20, 24}
    assert (min(disorders), max(disorders), len(disorders)) == (8.0, 36.0, 13)
    assert points_of(specification) == set(itertools.product(lengths, disorders))
    for point, biases in itertools.groupby(specification.wanted, key=lambda one: one.point):
        scaled = [round(one.bias * point.length**3 / CRITICAL_DISORDER, 6) for one in biases]
        assert scaled == [18, 24, 30]


def test_the_information_is_asked_for_at_two_biases_and_one_x():
    specification = of("information")
    assert specification.quantity == "information"
    assert points_of(specification) == set(itertools.product((6, 8, 10, 12), (10.0, 16.5, 21.0, 33.0)))
    for point, wanted in itertools.groupby(specification.wanted, key=lambda one: one.point):
        assert {one.bias for one in wanted} >= {0.25, 1.0, float(f"{24 * CRITICAL_DISORDER / point.length**3:.12g}")}


def test_contacts_and_profiles():
    contacts = {round(one.point.t_contact**2, 6) for one in of("contacts").wanted}
    assert contacts == {1, 3, 9}
    assert of("profiles").profiles
    assert not any(of(name).profiles for name in ("fig2a", "fig2b", "bias", "deep", "contacts"))
