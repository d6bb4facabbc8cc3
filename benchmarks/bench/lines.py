"""Lines of the table: what was measured, against whom, and whether the goal was met."""

from __future__ import annotations

from dataclasses import dataclass

from bench.stopwatch import Times

#: The goal for the memory of the host, in megabytes.
MEMORY = 60


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        case: What was committed.
        subject: To which project.
        ours: Our figure, with its unit.
        rival: Whose the other figure is.
        theirs: That figure.
        ratio: Of the two, as the goal counts it.
        goal: In words; empty where there is none.
        met: Whether it is met, None without one.
        on_page: Whether it is one of the few that docs/speed.md shows.
    """

    case: str
    subject: str
    ours: str
    rival: str
    theirs: str
    ratio: str
    goal: str = ""
    met: bool | None = None
    on_page: bool = False


def at_most(
    case: str, subject: str, ours: Times, rival: str, theirs: Times, factor: float = 0
) -> Line:
    """Our time may be so many times theirs; with 0 there is no goal."""
    ratio = ours.median / theirs.median
    goal = f"at most {factor:g} ×" if factor else ""
    met = ratio <= factor if factor else None
    shown = f"{ratio:.2f} ×"
    return Line(case, subject, show(ours), rival, show(theirs), shown, goal, met)


def faster(
    case: str, subject: str, ours: Times, rival: str, theirs: Times, factor: float = 0
) -> Line:
    """We shall be so many times faster; with 0 there is no goal."""
    ratio = theirs.median / ours.median
    goal = f"at least {factor:g} × faster" if factor else ""
    met = ratio >= factor if factor else None
    shown = f"{ratio:.1f} × faster" if ratio >= 1 else f"{1 / ratio:.1f} × slower"
    return Line(case, subject, show(ours), rival, show(theirs), shown, goal, met)


def growth(subject: str, small: Times, large: Times, loading: tuple[Times, Times]) -> Line:
    """What a larger project may cost over a smaller one, but for what its revision files cost."""
    files = max(loading[1].median - loading[0].median, 0)
    ratio = (large.median - files) / small.median
    return Line(
        "growth, without loading the revision files",
        subject,
        f"{large.median:.2f} s - {files:.2f} s",
        "the smaller one",
        f"{small.median:.2f} s",
        f"{ratio:.2f} ×",
        "at most 1.5 ×",
        ratio <= 1.5,
    )


def memory(subject: str, ours: Times) -> Line:
    """The peak of the host, which is the largest process on the fast answer."""
    return Line(
        "memory of the host, nothing relevant staged",
        subject,
        f"{ours.peak:.0f} MB",
        "",
        "",
        "",
        f"under {MEMORY} MB",
        ours.peak < MEMORY,
    )


def show(times: Times) -> str:
    """Give the median, and the fastest and the slowest."""
    return f"{times.median:.2f} s ({min(times.seconds):.2f} to {max(times.seconds):.2f})"
