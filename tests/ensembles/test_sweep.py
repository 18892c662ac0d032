import json
import os
import subprocess
import sys
import threading
from functools import partial

import dask
import pytest
from ensembles import fakes

from anderson_ness.ensembles import (
    SpecificationError,
    Store,
    StoreError,
    Summary,
    SweepError,
    TableError,
    read_specification,
    read_table,
    status,
    sweep,
)
from anderson_ness.ensembles import cluster as cluster_module
from anderson_ness.ensembles.cluster import _compute_batch, connected, outcomes
from anderson_ness.ensembles.samples import Task
from anderson_ness.ensembles.store import STORE

TOY = "[[points]]\ndisorder = [10, 11]\nlength = [4, 6]\nbias = [0.1, 0.3]\nsamples = {samples}\n"
KEY = ["length", "disorder", "t_parallel", "t_perp", "t_contact", "seed", "bias"]


@pytest.fixture
def toy(specify):
    return specify(TOY.format(samples=30))


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def notes(tmp_path):
    """A file for `fakes.noted`, and what it says: (length, seed, biases) in order."""

    class Notes:
        file = tmp_path / "notes"
        path = str(file)

        def read(self):
            lines = map(str.split, self.file.read_text().splitlines()) if self.file.exists() else []
            return [(int(length), int(seed), tuple(map(float, biases))) for length, seed, *biases in lines]

    return Notes()


def seeds_of(path, length, disorder=10.0):
    specification = read_specification(path)
    return next(specification.seeds(one) for one in specification.wanted if one.point[:2] == (length, disorder))


def test_every_sample_once_and_the_slowest_first(address, toy, data, notes):
    summary = sweep(toy, data, scheduler=address, compute=partial(fakes.noted, file=notes.path))
    assert summary == Summary(120, (), (data / "toy.parquet",))
    computed = notes.read()
    assert len(computed) == len(set(computed)) == 120
    assert {biases for *_, biases in computed} == {(0.1, 0.3)}
    pilot, rest = computed[:4], [length for length, *_ in computed[4:]]
    assert sorted(length for length, *_ in pilot) == [4, 4, 6, 6]
    assert len(rest) == 116
    frame = read_table("toy", data)
    assert len(frame) == 240
    assert not frame.duplicated(KEY).any()
    expected = [fakes.row(seed, bias).coherence for seed, bias in zip(frame["seed"], frame["bias"], strict=True)]
    assert frame["coherence"].tolist() == expected
    assert {(one.done, one.wanted, one.unconverged) for one in status(toy, data)} == {(30, 30, 0)}


def test_what_is_done_is_not_done_again(address, specify, toy, data, notes):
    compute = partial(fakes.noted, file=notes.path)
    sweep(toy, data, scheduler=address, compute=compute)
    before = (data / "toy.parquet").read_bytes()
    assert sweep(toy, data, scheduler=address, compute=compute).computed == 0
    assert (data / "toy.parquet").read_bytes() == before
    first = notes.read()
    specify(TOY.format(samples=33))
    assert sweep(toy, data, scheduler=address, compute=compute).computed == 12
    assert not set(first) & set(notes.read()[len(first) :])
    assert len(read_table("toy", data)) == 264


def test_in_a_fresh_clone_the_committed_table_is_extended(address, specify, toy, data, notes):
    compute = partial(fakes.noted, file=notes.path)
    sweep(toy, data, scheduler=address, compute=compute)
    before = (data / "toy.parquet").read_bytes()
    for file in (data / STORE).parent.iterdir():
        file.unlink()
    assert {one.done for one in status(toy, data)} == {30}
    assert sweep(toy, data, scheduler=address, compute=compute).computed == 0
    assert (data / "toy.parquet").read_bytes() == before
    # Another ensemble takes what the first one's table has.
    other = specify(TOY.format(samples=40).replace("0.3]", "0.3, 0.5]").replace("[10, 11]", "10"), "other")
    sweep([toy, other], data, scheduler=address, compute=compute)
    again = notes.read()[120:]
    assert len(again) == len(set(again)) == 80
    known = {*seeds_of(toy, 4), *seeds_of(toy, 6)}
    assert {biases for _, seed, biases in again if seed in known} == {(0.5,)}
    assert {biases for _, seed, biases in again if seed not in known} == {(0.1, 0.3, 0.5)}
    assert len(read_table("other", data)) == 240


def test_two_ensembles_share_one_computation(address, specify, toy, data, notes):
    other = specify("profiles = true\n" + TOY.format(samples=20).replace("[0.1, 0.3]", "[0.2, 0.3]"), "other")
    summary = sweep([toy, other], data, scheduler=address, compute=partial(fakes.noted, file=notes.path))
    assert summary.computed == 120
    shared = [biases for _, _, biases in notes.read() if biases == (0.1, 0.2, 0.3)]
    assert len(shared) == 80
    assert (len(read_table("toy", data)), len(read_table("other", data))) == (240, 160)
    with pytest.raises(SpecificationError, match=r"must have different names"):
        sweep([toy, toy], data)


def test_two_sweeps_at_once(address, toy, data, notes):
    compute = partial(fakes.slow, seconds=0.004, file=notes.path)
    summaries = []
    sweeps = [
        threading.Thread(target=lambda: summaries.append(sweep(toy, data, scheduler=address, compute=compute)))
        for _ in range(2)
    ]
    for one in sweeps:
        one.start()
    for one in sweeps:
        one.join()
    assert len(summaries) == 2
    frame = read_table("toy", data)
    assert len(frame) == 240
    assert not frame.duplicated(KEY).any()
    assert len(set(notes.read())) == 120


def test_a_failing_sample_costs_none_of_the_others(address, toy, data, capsys):
    seed = seeds_of(toy, 4)[7]
    summary = sweep(toy, data, scheduler=address, compute=partial(fakes.failing, seed=seed))
    assert summary.computed == 119
    sentence = f"L0 = 4, W = 10, t_contact = 3, seed {seed}: ArithmeticError: this one fails"
    assert summary.failures == (sentence,)
    assert f"failed: {sentence}\n" in capsys.readouterr().err
    assert len(read_table("toy", data)) == 238
    assert sum(one.wanted - one.done for one in status(toy, data)) == 2
    assert sweep(toy, data, scheduler=address, compute=fakes.quick).computed == 1
    assert len(read_table("toy", data)) == 240


def test_a_killed_worker_costs_nothing(address, toy, data, tmp_path):
    seed = seeds_of(toy, 6)[3]
    compute = partial(fakes.dying_once, seed=seed, folder=str(tmp_path))
    assert sweep(toy, data, scheduler=address, compute=compute).computed == 120
    assert (tmp_path / "killed").exists()


def test_a_worker_out_of_memory_names_its_sample(specify, data):
    toy = specify("[[points]]\ndisorder = 10\nlength = [4, 6]\nbias = 0.1\nsamples = 5\n")
    seed = seeds_of(toy, 4)[2]
    compute = partial(fakes.greedy, seed=seed)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        summary = sweep(toy, data, workers=1, memory_limit="400MB", compute=compute)
    assert summary.failures == (
        f"L0 = 4, W = 10, t_contact = 3, seed {seed}: the workers that computed it died (out of memory?)",
    )
    assert len(read_table("toy", data)) == 9


def test_memory_that_numpy_cannot_get_is_an_outcome_too():
    def hungry(task):
        raise MemoryError("Unable to allocate 1 TiB")

    task = Task(fakes.POINT, 1e-3, 1, (0.1,))
    assert _compute_batch([task, task], hungry) == [(task, [], "out of memory")] * 2


def test_only_a_few_batches_are_with_the_cluster_at_a_time(address):
    taken = []

    def batches():
        for seed in range(200):
            taken.append(seed)
            yield [Task(fakes.POINT, 1e-3, seed, (0.1,))]

    done = 0
    with connected(scheduler=address) as client:
        for outcome in outcomes(client, batches(), fakes.quick):
            done += len(outcome)
            assert len(taken) - done <= 2
    assert done == 200


def test_leads_without_open_channels_stop_the_pilot(address, specify, data):
    toy = specify(
        "[leads]\nt_parallel = 0.01\nt_perp = 5\n[[points]]\ndisorder = 1\nlength = 3\nbias = 0.1\nsamples = 500\n"
    )
    with pytest.raises(SweepError, match=r"no sample of the pilot could be computed; the first: L0 = 3.*ValueError"):
        sweep(toy, data, scheduler=address)


def test_no_scheduler(toy, data, monkeypatch):
    monkeypatch.setattr(cluster_module, "_CONNECT_SECONDS", 1)
    with pytest.raises(SweepError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1$"):
        sweep(toy, data, scheduler="tcp://127.0.0.1:1")


def test_changed_specifications_are_refused_before_anything_is_computed(address, specify, toy, data, notes):
    sweep(toy, data, scheduler=address, compute=fakes.quick)
    before = (data / "toy.parquet").read_bytes()
    specify("root_seed = 3\n" + TOY.format(samples=30))
    with pytest.raises(SpecificationError, match=r"specifications may grow, not change"):
        sweep(toy, data, scheduler=address, compute=partial(fakes.noted, file=notes.path))
    assert notes.read() == []
    assert (data / "toy.parquet").read_bytes() == before


def test_damaged_stores_and_tables_are_named_before_anything_is_computed(address, toy, data, notes):
    sweep(toy, data, scheduler=address, compute=fakes.quick)
    compute = partial(fakes.noted, file=notes.path)
    content = (data / "toy.parquet").read_bytes()
    (data / "toy.parquet").write_bytes(content[:1000])
    with pytest.raises(TableError, match=r"toy.parquet is not a complete Parquet file"):
        sweep(toy, data, scheduler=address, compute=compute)
    (data / "toy.parquet").write_bytes(content)
    store = (data / STORE).read_bytes()
    (data / STORE).write_bytes(store[:5000])
    with pytest.raises(StoreError, match=r"samples.sqlite is damaged"):
        sweep(toy, data, scheduler=address, compute=compute)
    (data / STORE).unlink()
    assert sweep(toy, data, scheduler=address, compute=compute).computed == 0
    assert notes.read() == []


def test_one_worker_and_two_workers_make_the_same_table(specify, tmp_path):
    toy = specify("[[points]]\ndisorder = [8, 20]\nlength = [3, 4]\nbias = [0.05, 0.1]\nsamples = 4\n")
    frames = []
    for workers in (1, 2):
        assert sweep(toy, tmp_path / str(workers), workers=workers).computed == 16
        frames.append(read_table("toy", tmp_path / str(workers)))
    one, two = frames
    assert one[KEY].equals(two[KEY])
    for name in ("coherence", "coherence_slope", "transmission"):
        assert one[name].to_numpy() == pytest.approx(two[name].to_numpy(), rel=1e-3)


LIMITED = """
import resource, sys
from ensembles import fakes
from anderson_ness.ensembles import StoreError, sweep
from anderson_ness.ensembles.progress import Progress
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        sweep(*sys.argv[1:3], scheduler=sys.argv[3], compute=fakes.quick, progress=Progress(verbose=True))
    except StoreError as error:
        print(error)
"""


def test_a_full_disk_stops_the_sweep_and_loses_nothing(address, specify, data):
    toy = specify("[[points]]\ndisorder = 10\nlength = 4\nbias = 0.1\nsamples = 3000\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LIMITED, toy, data, address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "could not be written, as on a full disk" in done.stdout
    assert done.stdout.count("\n") == 1
    reported = {int(line.split()[-1]) for line in done.stderr.splitlines() if line.startswith("stored")}
    with Store(data / STORE) as store:
        stored = {row.seed for row in store.rows(fakes.POINT, 1e-3)}
    assert len(reported) > 100
    assert reported <= stored < set(seeds_of(toy, 4))
    assert sweep(toy, data, scheduler=address, compute=fakes.quick).computed == 3000 - len(stored)
    assert len(read_table("toy", data)) == 3000


def test_the_table_names_what_made_it(address, toy, data):
    sweep(toy, data, scheduler=address, compute=fakes.quick, origin={"commit": "abc", "versions": {"numpy": "2"}})
    attributes = read_table("toy", data).attrs
    assert attributes["commits"] == ["abc"]
    assert attributes["specification"] == toy.read_text()
    assert json.dumps(attributes)
