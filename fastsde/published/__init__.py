"""Published results as study files: run them, compare what is found with what was published, show both.

A result is three files with one stem: the study (``saxe-2014.toml``), what it claims and how it is drawn
(``saxe-2014.py``), and where the numbers come from (``saxe-2014.md``). ``examples/published/README.md``
describes them.
"""

from fastsde.published.claim import Claim, Deviation, Verdict
from fastsde.published.reproduction import Reproduction, reproduce
from fastsde.published.result import Result, all_results, results_named
from fastsde.published.runs import Runs

__all__ = [
    "Claim",
    "Deviation",
    "Reproduction",
    "Result",
    "Runs",
    "Verdict",
    "all_results",
    "reproduce",
    "results_named",
]
