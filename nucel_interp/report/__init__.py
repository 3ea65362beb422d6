"""The report: one HTML file that can be mailed, with every figure inside."""

from nucel_interp.report.build import build_report

__all__ = ["build_report"]
