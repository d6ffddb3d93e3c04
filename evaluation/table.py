"""The report as a Markdown table."""

from __future__ import annotations

from evaluation.scoring import Report, Score


def show(report: Report, *, names: bool = True) -> str:
    """Return the report as text; `names` lists the pictures that were judged wrongly."""
    lines = [
        f"standard {report.standard}, {report.pictures} pictures",
        "",
        "| check | must be caught | false accepts | usable | false refusals | wrong hints |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(score) for _, score in sorted(report.scores.items())]
    seconds = sorted(report.seconds)
    slow = seconds[int(0.95 * (len(seconds) - 1))] if seconds else 0.0
    inside = report.finished - len(report.out_of_range)
    lines += [
        "",
        f"usable pictures accepted: {report.accepted} of {report.usable}",
        f"pictures that must be refused: {report.unusable - len(report.let_in)} of "
        f"{report.unusable} refused",
        f"finished pictures inside all ranges: {inside} of {report.finished}",
        f"CPU seconds a picture: median {report.median_seconds:.2f}, 95 % below {slow:.2f}",
    ]
    return "\n".join(lines + (_wrong(report) if names else []))


def _line(score: Score) -> str:
    return (
        f"| {score.check} | {score.must_catch or ''} "
        f"| {score.must_catch - score.caught if score.must_catch else ''} "
        f"| {score.usable or ''} | {len(score.refused_wrongly) if score.usable else ''} "
        f"| {len(score.hinted_wrongly) if score.usable else ''} |"
    )


def _wrong(report: Report) -> list[str]:
    lines = [""]
    for check, score in sorted(report.scores.items()):
        for what, found in (
            ("not caught", score.missed),
            ("refused wrongly", score.refused_wrongly),
            ("hinted wrongly", score.hinted_wrongly),
        ):
            lines += [f"{check}: {what}: {name}" for name in found]
    lines += [f"outside its ranges: {name}" for name in report.out_of_range]
    return lines if len(lines) > 1 else []
