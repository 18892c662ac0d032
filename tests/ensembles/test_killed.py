"""kill -9 of sweeps and of workers, at random moments and for real."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from anderson_ness.ensembles import Store, read_specification, read_table, sweep
from anderson_ness.ensembles.plan import plan
from anderson_ness.ensembles.store import STORE

TOY = "[[points]]\ndisorder = [10, 20]\nlength = [3, 4]\nbias = [0.05]\nsamples = 200\n"
KEY = ["length", "disorder", "t_parallel", "t_perp", "t_contact", "seed", "bias"]
COMMAND = [sys.executable, "-c", "from anderson_ness.companion.cli import main; main()", "sweep"]
KILLS = 20


class Sweep:
    """`anderson-ness sweep` in processes of its own, and the samples that it has reported as stored."""

    def __init__(self, toy, data, *options):
        self.log = data.parent / "log"
        with open(self.log, "wb") as log:
            command = [*COMMAND, str(toy), "--data", str(data), "--verbose", *options]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)

    def reported(self):
        # A line without its end was not reported yet.
        complete = self.log.read_text().rpartition("\n")[0].splitlines()
        return {
            (int(words[1]), float(words[2]), int(words[4]))
            for line in complete
            if (words := line.split())[0] == "stored"
        }

    def wait_for(self, condition):
        for _ in range(3000):
            if condition() or self.process.poll() is not None:
                return
            time.sleep(0.02)
        raise AssertionError(f"waited in vain: {self.log.read_text()}")

    def kill(self):
        """kill -9, and see that the processes it has started end as well."""
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive


def stored(toy, data):
    if not (data / STORE).exists():
        return set()
    with Store(data / STORE) as store:
        return {
            (row.length, row.disorder, row.seed)
            for group in plan([read_specification(toy)])
            for row in store.rows(*group)
        }


def test_twenty_kills_change_nothing(cluster, address, specify, tmp_path):
    toy, data = specify(TOY), tmp_path / "data"
    chance = random.Random(5)
    running, reported, at_work = None, set(), 0
    for kill in range(KILLS):
        if running is None:
            running = Sweep(toy, data, *(["--workers", "1"] if kill % 7 == 0 else ["--scheduler", address]))
            # Anywhere from starting up to well into computing.
            if chance.random() < 0.7:
                running.wait_for(running.reported)
        time.sleep(0.4 * chance.random())
        at_work += running.process.poll() is None
        if kill % 4 == 1:
            before = running.reported()
            cluster.kill_worker()
            running.wait_for(lambda now=running, then=before: now.reported() > then)
            continue
        running.kill()
        reported |= running.reported()
        assert reported <= stored(toy, data)
        running = None
    if running is not None:
        running.kill()
    assert at_work >= KILLS * 3 // 4
    assert len(reported) > 20

    assert sweep(toy, data, scheduler=address).failures == ()
    sweep(toy, tmp_path / "undisturbed", scheduler=address)
    table, undisturbed = read_table("toy", data), read_table("toy", tmp_path / "undisturbed")
    assert len(table) == 800
    assert not table.duplicated(KEY).any()
    assert table[[*KEY, "converged"]].equals(undisturbed[[*KEY, "converged"]])
    for name in ("coherence", "coherence_slope", "transmission"):
        assert table[name].to_numpy() == pytest.approx(undisturbed[name].to_numpy(), rel=1e-3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_sweeps_stop_cleanly(specify, tmp_path, number):
    # So many that the signal comes before the last of them.
    toy, data = specify(TOY.replace("samples = 200", "samples = 2000")), tmp_path / "data"
    running = Sweep(toy, data, "--workers", "1")
    running.wait_for(running.reported)
    family = psutil.Process(running.process.pid).children(recursive=True)
    os.killpg(running.process.pid, number)
    assert running.process.wait(30) == 1
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    lines = running.log.read_text().splitlines()
    assert lines[-1] == "Error: stopped; what was computed is stored, and the same command continues"
    assert not any("Traceback" in line for line in lines)
    # The table is published as far as it is.
    frame = read_table("toy", data)
    published = set(zip(frame["length"], frame["disorder"], frame["seed"], strict=True))
    assert running.reported() <= published == stored(toy, data)
