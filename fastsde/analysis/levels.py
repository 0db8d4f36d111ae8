"""The level of all tests and of all intervals of the analysis."""

from __future__ import annotations

SIGNIFICANCE = 0.05
"""Two laws are distinguishable, and a difference is significant, where the p-value is below this."""

CONFIDENCE = 1 - SIGNIFICANCE
"""Coverage of intervals."""

INTERVAL = (SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2)
"""Quantiles at the ends of a two-sided interval of this coverage."""

NULL_QUANTILE = 1 - SIGNIFICANCE
"""Quantile of a distance under permuted labels above which it is significant by itself."""
