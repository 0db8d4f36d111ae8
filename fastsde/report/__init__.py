"""Figures and the HTML page of an analysed run."""

from fastsde.report.spec import FigureSpec as FigureSpec
from fastsde.report.spec import register_figure as register_figure
from fastsde.report.write import write_paper as write_paper
from fastsde.report.write import write_report as write_report

__all__ = ["FigureSpec", "register_figure", "write_paper", "write_report"]
