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
    f"{'':<10}{'calls/s':>9}{'x yardstick':>13}{'p50 ms':>10}{'p99 ms':>10}{'p50 - direct':>14}"
    f"{'core':>7}{'calls/core s':>14}{'MB':>7}  errors"
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
                **cell._asdict(),
                "server": name,
                "calls_per_second": round(figures.rate, 1),
                "ratio": round(figures.rate / yardstick.rate, 3) if yardstick and yardstick.rate else None,
                "p50_ms": round(figures.p50, 3),
                "p99_ms": round(figures.p99, 3),
                "p50_over_direct_ms": round(figures.p50 - direct.p50, 3) if direct else None,
                **_use(figures),
                "errors": figures.errors,
            }


def _use(figures: Figures) -> dict[str, float | None]:
    """What a server used; the back end, which is called direct, is not watched."""
    if not figures.busy:
        return {"core": None, "calls_per_core_second": None, "memory_mb": None}
    return {
        "core": round(figures.busy, 3),
        "calls_per_core_second": round(figures.rate / figures.busy, 1),
        "memory_mb": round(figures.memory, 1),
    }


def table(results: Results, cell: Cell) -> str:
    """A table of one cell."""
    lines = [f"{cell.callers} callers, {_HEADS[cell.body]}", _COLUMNS]
    lines += [_line(row) for row in rows({cell: results[cell]})]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    errors = ", ".join(f"{count} {kind}" for kind, count in row["errors"].items())
    return (
        f"{row['server']:<10}{row['calls_per_second']:>9.0f}{_shown(row['ratio'], '.2f'):>13}"
        f"{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{_shown(row['p50_over_direct_ms'], '+.2f'):>14}"
        f"{_shown(row['core'], '.0%'):>7}{_shown(row['calls_per_core_second'], '.0f'):>14}"
        f"{_shown(row['memory_mb'], '.0f'):>7}  {errors or 'none'}"
    )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def memory_table(memory: Mapping[str, float]) -> str:
    """Resident memory of each server after the run."""
    return "\n".join(["MB after the run", *(f"{name:<10}{size:>9.0f}" for name, size in memory.items())])


def as_json(results: Results, memory: Mapping[str, float], options: Mapping[str, Any]) -> str:
    """Everything on one line."""
    sizes = {name: round(size, 1) for name, size in memory.items()}
    return json.dumps({"options": options, "results": list(rows(results)), "memory_mb": sizes})
