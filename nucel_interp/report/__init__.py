"""The report: one HTML file that can be mailed, with every figure inside."""

from nucel_interp.report.build import build_report
from nucel_interp.report.comparison import build_comparison
from nucel_interp.report.verdict import verdict

__all__ = ["build_comparison", "build_report", "verdict"]
