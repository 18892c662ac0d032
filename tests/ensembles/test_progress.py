import io

from ensembles.fakes import POINT, row
from rich.console import Console

from anderson_ness.ensembles.plan import Group
from anderson_ness.ensembles.progress import Progress
from anderson_ness.ensembles.work import Work

GROUP = Group(POINT, 1e-3)


def shown(terminal, verbose=False, every=1e9):
    """What a sweep of three samples, one of them done before, writes."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, height=30)
    progress, work, means = Progress(console, every=every, verbose=verbose), Work({GROUP: 3}), {}
    with progress.shown(work, means):
        for seed in (1, 2):
            work.finished(GROUP)
            work.computed(GROUP, 40.0)
            progress.stored([row(seed, coherence=float(seed))])
    return console.file.getvalue()


def test_plain_lines_elsewhere():
    text = shown(terminal=False)
    assert text.count("\n") == 1
    assert text.startswith("2 of 3 samples")
    assert text.endswith("about 40 s left\n")
    assert "\x1b" not in text
    assert shown(terminal=False, every=0).count("of 3 samples") == 3
    assert "stored 4 10 3 1\n" in shown(terminal=False, verbose=True)


def test_a_live_picture_on_a_terminal():
    text = shown(terminal=True)
    assert "running means" in text
    assert "1.5 ± 0.5" in text
    assert "2 of 3 samples" in text
