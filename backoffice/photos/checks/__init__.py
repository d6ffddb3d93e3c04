"""The checks: what is measured on the photo, the bound it is held against, and what to do.

One file per family: each lists its kinds (name, OFIQ component, advice, reason of DOMAIN section 8)
beside the functions that measure them. Bounds and severities come from the standard.
"""

from backoffice.photos.checks.catalogue import KINDS
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.report import Check, judge, judge_all

__all__ = ["KINDS", "Check", "Kind", "judge", "judge_all"]
