"""What was measured, as tables for people and as one line of JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.benchmarks.load import Figures

YARDSTICK, DIRECT = "requests", "direct"
_HEADS = {
    "small": "small bodies",
    "download": "1 MB bodies to the caller",
    "upload": "1 MB bodies to the back end",
}
_COLUMNS = (
    f"{'':<10}{'calls/s':>9}{'x yardstick':>13}{'p50 ms':>10}{'p99 ms':>10}{'p50 - direct':>14}{'core':>7}{'MB':>7}"
    "  errors"
)


class Cell(NamedTuple):
    """One table: so many callers, and the bodies of their calls."""

    callers: int
    body: str


Results = Mapping[Cell, Mapping[str, Figures]]


def rows(results: Results) -> Iterator[dict[str, Any]]:
    """Every line of every table, with what is worked out from the others of its table."""
    for cell, by_name in results.items():
        yardstick, direct = by_name.get(YARDSTICK), by_name.get(DIRECT)
        for name, figures in by_name.items():
            yield {
                "callers": cell.callers,
                "body": cell.body,
                "server": name,
                "calls_per_second": round(figures.rate, 1),
                "ratio": round(figures.rate / yardstick.rate, 3) if yardstick and yardstick.rate else None,
                "p50_ms": round(figures.p50, 3),
                "p99_ms": round(figures.p99, 3),
                "p50_over_direct_ms": round(figures.p50 - direct.p50, 3) if direct else None,
                "core": None if name == DIRECT else round(figures.busy, 3),
                "memory_mb": None if name == DIRECT else round(figures.memory, 1),
                "errors": figures.errors,
            }


def table(results: Results, cell: Cell) -> str:
    """A table of one cell."""
    lines = [f"{cell.callers} callers, {_HEADS[cell.body]}", _COLUMNS]
    lines += [_line(row) for row in rows({cell: results[cell]})]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    ratio, added, core, size = row["ratio"], row["p50_over_direct_ms"], row["core"], row["memory_mb"]
    errors = ", ".join(f"{count} {kind}" for kind, count in row["errors"].items())
    return (
        f"{row['server']:<10}{row['calls_per_second']:>9.0f}"
        f"{'' if ratio is None else f'{ratio:.2f}':>13}"
        f"{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}"
        f"{'' if added is None else f'{added:+.2f}':>14}"
        f"{'' if core is None else f'{core:.0%}':>7}{'' if size is None else f'{size:.0f}':>7}  {errors or 'none'}"
    )


def memory_table(memory: Mapping[str, float]) -> str:
    """Resident memory of each server after the run."""
    return "\n".join(["MB after the run", *(f"{name:<10}{size:>9.0f}" for name, size in memory.items())])


def as_json(results: Results, memory: Mapping[str, float], options: Mapping[str, Any]) -> str:
    """Everything on one line."""
    sizes = {name: round(size, 1) for name, size in memory.items()}
    return json.dumps({"options": options, "results": list(rows(results)), "memory_mb": sizes})
