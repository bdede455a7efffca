"""The report on an experiment: tables, figures and one page, in the shape of the published study and beyond it.

Takes what was measured, measures nothing. Importing this loads neither matplotlib nor jinja2.
"""

from offload_sdk.baseline.report.folder import write

__all__ = ["write"]
