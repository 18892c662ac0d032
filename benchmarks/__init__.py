"""Side-by-side timings; run by ``make bench``, never part of the tests."""
