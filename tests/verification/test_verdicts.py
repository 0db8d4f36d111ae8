"""How often the headline is right, on real ensembles: the reduced form of ``python -m bench.verdicts``.

Of equal models 5 % are called distinguishable: 3 of 8 have probability 6e-3, 8 of 60 have 6e-3. Of a learning
rate that is 8 % larger at least 90 % are found: fewer than 3 of 4 have probability 0.05, fewer than 15 of 20
have 2e-3. Seeds are fixed. The larger counts are for ``FASTSDE_TESTS=all``.
"""

import importlib.util
import os
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "verdicts.py"
SPEC = importlib.util.spec_from_file_location("verdicts", SCRIPT)
verdicts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verdicts)

COUNTS = [(8, 4, 2, 3), (60, 20, 7, 15)]
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"


@pytest.mark.statistics
@pytest.mark.parametrize(("equal", "different", "wrong", "found"), COUNTS if WHOLE else COUNTS[:1])
def test_the_headline_says_what_is_the_case(equal, different, wrong, found):
    same = verdicts.count(equal, verdicts.EQUAL, 256)
    assert same["indistinguishable"] >= equal - wrong, same
    assert set(same) <= {"indistinguishable", "distinguishable"}
    other = verdicts.count(different, verdicts.DIFFERENT, 2048)
    assert other["distinguishable"] >= found, other
