"""`worker.jobs.run`: what RQ calls for every job."""

from worker.jobs.running import run

__all__ = ["run"]
