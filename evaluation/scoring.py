"""Judging the judge: what each check caught and missed, and what the finished pictures are like."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from backoffice.photos.pipeline import PhotoEngine, PhotoResult, process
from backoffice.photos.standards import Standard
from evaluation.cases import Case


@dataclass
class Score:
    """One check. `missed`, `refused_wrongly`, `hinted_wrongly` name the pictures."""

    check: str
    must_catch: int = 0
    caught: int = 0
    missed: list[str] = field(default_factory=list)
    usable: int = 0
    refused_wrongly: list[str] = field(default_factory=list)
    hinted_wrongly: list[str] = field(default_factory=list)


@dataclass
class Report:
    """The outcome of one run. Times in CPU seconds per picture."""

    standard: str
    scores: dict[str, Score] = field(default_factory=dict)
    pictures: int = 0
    usable: int = 0
    accepted: int = 0
    unusable: int = 0
    let_in: list[str] = field(default_factory=list)
    finished: int = 0
    out_of_range: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def score(self, check: str) -> Score:
        """Return the score of a check, beginning with nothing."""
        return self.scores.setdefault(check, Score(check))

    @property
    def median_seconds(self) -> float:
        """CPU seconds of the picture in the middle."""
        return statistics.median(self.seconds) if self.seconds else 0.0


def evaluate(cases: Iterable[Case], standard: Standard, engine: PhotoEngine) -> Report:
    """Run every picture through the pipeline and hold the outcome against its label."""
    report = Report(f"{standard.name} v{standard.version}")
    for case in cases:
        result = process(case.data, standard, engine)
        report.pictures += 1
        report.seconds.append(result.cpu_seconds)
        _judge_output(case, result, standard, report)
        if case.expected == "catch":
            _judge_unusable(case, result, report)
        else:
            _judge_usable(case, result, report)
    return report


def _failed(result: PhotoResult) -> set[str]:
    return {check.code for check in result.checks if not check.passed}


def _judge_unusable(case: Case, result: PhotoResult, report: Report) -> None:
    assert case.check is not None
    score = report.score(case.check)
    score.must_catch += 1
    noticed = bool(_failed(result) & {case.check, *case.also})
    if noticed and not (case.refuse and result.passed):
        score.caught += 1
    else:
        score.missed.append(case.name)
    if case.refuse:
        report.unusable += 1
        if result.passed:
            report.let_in.append(case.name)


def _judge_usable(case: Case, result: PhotoResult, report: Report) -> None:
    report.usable += 1
    report.accepted += result.passed
    for check in result.checks:
        score = report.score(check.code)
        score.usable += 1
        if check.passed:
            continue
        wrong = score.refused_wrongly if check.severity == "refuse" else score.hinted_wrongly
        # A hint counts as wrong where the picture was made to be good in this very respect.
        if check.severity == "refuse" or case.check in (None, check.code):
            wrong.append(case.name)


def _judge_output(case: Case, result: PhotoResult, standard: Standard, report: Report) -> None:
    if not result.passed or result.jpeg is None:
        return
    report.finished += 1
    found, offset = result.geometry, standard.max_centre_offset
    ranges = {
        "hair_top": standard.hair_top,
        "eye_line": standard.eye_line,
        "face_width": standard.face_width,
        "centre_offset": (-offset, offset),
    }
    inside = all(low <= found[name] <= high for name, (low, high) in ranges.items())
    if not inside or not standard.min_bytes <= len(result.jpeg) <= standard.max_bytes:
        report.out_of_range.append(case.name)
