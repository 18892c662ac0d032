import pytest
from ensembles.fakes import POINT, row

from anderson_ness.ensembles import SpecificationError, Store, read_specification
from anderson_ness.ensembles.plan import Group, Part, missing, plan, require_wanted, selected, still_missing

ONE = "[[points]]\ndisorder = 10\nlength = 4\nbias = [0.1, 0.3]\nsamples = 3\n"
OTHER = "profiles = true\n[[points]]\ndisorder = 10\nlength = 4\nbias = [0.2, 0.3]\nsamples = 5\n"
GROUP = Group(POINT, 1e-3)


@pytest.fixture
def specifications(specify):
    return [read_specification(specify(ONE, "one")), read_specification(specify(OTHER, "other"))]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "samples.sqlite") as made:
        yield made


def test_ensembles_share_their_samples(specifications, store):
    seeds = specifications[1].seeds(specifications[1].wanted[0])
    wanted = plan(specifications)
    assert list(wanted) == [GROUP]
    tasks = missing(wanted, store)[GROUP]
    assert tasks == [GROUP.task(seed, (0.1, 0.2, 0.3)) for seed in seeds[:3]] + [
        GROUP.task(seed, (0.2, 0.3)) for seed in seeds[3:]
    ]


def test_only_what_the_store_lacks(specifications, store):
    seeds = specifications[1].seeds(specifications[1].wanted[0])
    store.add([row(seeds[0], bias, profiles=False) for bias in (0.1, 0.2, 0.3)])
    store.add([row(seeds[1], bias) for bias in (0.1, 0.2, 0.3)])
    store.add([row(seeds[2], 0.3, rtol=1e-4), row(seeds[4], 0.2)])
    wanted = plan(specifications)
    expected = {0: (0.2, 0.3), 2: (0.1, 0.2, 0.3), 3: (0.2, 0.3), 4: (0.3,)}
    tasks = missing(wanted, store)[GROUP]
    assert {seeds.index(task.seed): task.biases for task in tasks} == expected
    assert still_missing(GROUP.task(seeds[1], (0.1, 0.2)), wanted, store) is None
    assert still_missing(GROUP.task(seeds[4], (0.2, 0.3)), wanted, store) == GROUP.task(seeds[4], (0.3,))
    store.add([row(seed, bias) for seed in seeds for bias in (0.1, 0.2, 0.3)])
    assert missing(wanted, store) == {}


def test_a_part_of_each_point(specify):
    text = "[[points]]\ndisorder = 10\nlength = [3, 4, 5]\nbias = 0.1\nsamples = [3, 1, 2]\n"
    specification = read_specification(specify(text))
    sizes = {group.point.length: len(keys) for group, keys in plan([specification], Part(first=2)).items()}
    assert sizes == {3: 2, 4: 1, 5: 2}
    lengths = [group.point.length for group in plan([specification], Part(shortest=4, longest=4))]
    assert lengths == [4]
    (keys,) = plan([specification], Part(1, longest=3)).values()
    assert [seed for seed, _ in keys] == specification.seeds(specification.wanted[0])[:1]


def test_a_table_takes_its_own_rows_only(specifications, store):
    one, other = specifications
    seeds = other.seeds(other.wanted[0])
    store.add([row(seed, bias) for seed in (*seeds, 77) for bias in (0.1, 0.2, 0.3, 0.4)])
    store.add([row(seeds[0], rtol=1e-4)])
    assert {(r.seed, r.bias) for r in selected(one, store)} == {(seed, b) for seed in seeds[:3] for b in (0.1, 0.3)}
    assert {(r.seed, r.bias) for r in selected(other, store)} == {(seed, b) for seed in seeds for b in (0.2, 0.3)}


def test_specifications_may_grow_but_not_change(specify):
    specification = read_specification(specify(ONE))
    rows = [
        row(seed, bias, profiles=False) for seed in specification.seeds(specification.wanted[0]) for bias in (0.1, 0.3)
    ]
    require_wanted(rows, specification)
    for old, new in (("= 3", "= 30"), ("0.3]", "0.3, 0.5]"), ("= 4", "= [4, 6]"), ("[[", "profiles = true\n[[")):
        require_wanted(rows, read_specification(specify(ONE.replace(old, new))))
    for old, new in (
        ("= 3", "= 2"),
        ("0.3]", "0.31]"),
        ("= 4", "= 6"),
        ("= 10", "= 11"),
        ("[[", "rtol = 1e-4\n[["),
        ("[[", "root_seed = 3\n[["),
        ("[[", "[leads]\nt_perp = 2\n[["),
    ):
        with pytest.raises(
            SpecificationError, match=r"toy.toml does not ask for a row that the table toy holds .L0 = 4"
        ):
            require_wanted(rows, read_specification(specify(ONE.replace(old, new))))


def test_profiles_cannot_be_taken_back(specify):
    specification = read_specification(specify(ONE))
    with pytest.raises(SpecificationError, match=r"toy.toml must say profiles = true"):
        require_wanted([row(specification.seeds(specification.wanted[0])[0])], specification)
