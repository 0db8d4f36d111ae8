"""Figures and the HTML page of an analysed run."""

from fastsde.report.write import write_report as write_report

__all__ = ["write_report"]
