"""What data/README.md says of how far the ensembles are is what the stored tables hold."""

import data_progress


def test_table_is_what_the_stored_tables_give():
    assert data_progress.stored() == data_progress.block(), "run make claims, and look at what changed"
