"""The published runs give the published tables and conclusions; other runs give other ones."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_kit import PUBLISHED, experiment, imported, series

from offload_sdk.baseline.imported import import_runs
from offload_sdk.baseline.report.findings import findings
from offload_sdk.baseline.report.numbers import column
from offload_sdk.baseline.report.tables import further, table_1, table_2, to_csv
from offload_sdk.baseline.report.ways import ways_of

# Mean total time and its SD, mean time per image and its SD, mean cost, as published.
PUBLISHED_MEANS = {"fargate": (1819.48, 25.68, 3.03, 0.04, 0.07), "ec2": (1734.55, 12.72, 2.89, 0.02, 0.09)}


def test_table_1_is_the_published_one() -> None:
    table = table_1(ways_of(imported()))
    assert table.columns == ("Platform", "Run", "Total time (s)", "Mean time per image (s)", "Cost (USD)")
    assert table.cells == tuple(
        (name, str(number), f"{total_s:,.2f}", f"{mean_s:.2f}", f"{cost_usd:.2f}")
        for name, runs in PUBLISHED.items()
        for number, (total_s, mean_s, cost_usd) in enumerate(runs, 1)
    )
    assert list(csv.DictReader(io.StringIO(to_csv(table))))[3] == {
        "platform": "ec2", "run": "1", "total_s": "1724.15", "mean_s": "2.87", "cost_usd": "0.09",
    }  # fmt: skip


def test_table_2_has_the_published_means_and_deviations() -> None:
    table = table_2(ways_of(imported()))
    for row in csv.DictReader(io.StringIO(to_csv(table))):
        total_s, total_sd_s, mean_s, mean_sd_s, cost_usd = PUBLISHED_MEANS[row["platform"]]
        assert float(row["mean_total_s"]) == pytest.approx(total_s, abs=0.01)
        assert float(row["sd_total_s"]) == pytest.approx(total_sd_s, rel=0.01)
        assert round(float(row["mean_s"]), 2) == mean_s
        assert round(float(row["sd_s"]), 2) == mean_sd_s
        assert float(row["mean_cost_usd"]) == pytest.approx(cost_usd)
    fargate, _ = table.cells
    assert fargate == ("fargate", "1,819.48 (25.58)", "3.03 (0.044)", "0.07")


def test_the_published_conclusions_are_computed() -> None:
    faster, cheaper = findings(ways_of(imported()))
    assert (faster.title, faster.answer) == ("Faster", "ec2, by 4.7 %")
    assert (cheaper.title, cheaper.answer) == ("Cheaper", "fargate, by 22.2 %")
    assert "4.7 % less than fargate with 1,819.48 s ± 25.58 s" in faster.text
    assert "Each of its 3 runs was better than every run of the others." in faster.text


def test_a_file_of_the_published_runs_gives_the_same(tmp_path: Path) -> None:
    rows = [",".join(map(str, (name, *run))) for name, runs in PUBLISHED.items() for run in runs]
    file = tmp_path / "runs.csv"
    file.write_text("\n".join(["platform,total_s,mean_s,cost_usd", *rows]))
    ways, given = ways_of(import_runs(file)), ways_of(imported())
    assert table_1(ways) == table_1(given)
    assert table_2(ways) == table_2(given)
    assert findings(ways) == findings(given)


def test_other_runs_give_other_conclusions() -> None:
    runs = {"ec2": [(20.0, 0.2, 0.5), (10.0, 0.1, 0.5)], "fargate": [(12.0, 0.12, 0.5), (8.0, 0.08, 0.5)]}
    faster, cheaper = findings(ways_of(imported(runs)))
    assert faster.answer == "fargate or ec2"
    assert "33.3 % less than ec2 with 15.00 s ± 7.07 s. Its runs and those of ec2 overlap" in faster.text
    assert cheaper.answer == "no difference"


def test_one_run_claims_nothing_of_chance_and_one_target_no_comparison() -> None:
    (faster,) = findings(ways_of(imported({"a": [(2.0, None, None)], "b": [(1.0, None, None)]})))
    assert faster.text == "b takes 1.00 s a run; 50.0 % less than a with 2.00 s. One run says nothing of chance."
    assert findings(ways_of(imported({"a": [(2.0, 0.1, 0.1)]}))) == []


def test_the_form_of_upload_and_failures_are_told() -> None:
    summary, _ = experiment()
    told = {finding.title: finding for finding in findings(ways_of(summary))}
    form = told["Form of upload to ec2"]
    assert form.answer == "the SDK's"
    ec2 = summary.targets[2]
    assert ec2.original is not None
    assert ec2.original.mean_s is not None
    assert ec2.series.mean_s is not None
    found = re.search(r"([\d.]+) times shorter", form.text)
    assert found is not None
    assert float(found[1]) == pytest.approx(ec2.original.mean_s / ec2.series.mean_s, rel=0.01)
    assert f"{ec2.series.failures} of 120 by ec2 (SDK payload)" in told["Failures"].text
    table = further(ways_of(summary))
    assert table is not None
    assert [row[0] for row in table.cells][:3] == ["local", "fargate (SDK payload)", "fargate (original file)"]


def test_a_way_that_fails_at_once_is_neither_faster_nor_cheaper() -> None:
    runs = {"good": [(20.0, 0.2, 0.02, 0), (21.0, 0.21, 0.02, 0)], "refuses": [(4.0, 0.3, 0.01, 90)] * 2}
    summary = imported({name: [run[:3] for run in theirs] for name, theirs in runs.items()})
    targets = tuple(
        replace(
            target,
            series=series(
                [replace(run, images=100, failures=runs[target.name][0][3]) for run in target.series.runs]
            ),
        )
        for target in summary.targets
    )
    faster, cheaper, failures = findings(ways_of(replace(summary, targets=targets, imported=False)))
    assert (faster.answer, cheaper.answer) == ("good, by 48.8 %", "good, by 80.0 %")
    assert "good takes 205 ms ± 7.07 ms an answered image" in faster.text
    assert "180 of 200 by refuses" in failures.text


def test_a_table_s_names_are_no_formulas() -> None:
    assert "\n'=1+1,1,1.0," in to_csv(table_1(ways_of(imported({"=1+1": [(1.0, 1.0, 0.1)]}))))


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.07, 0.09], ["0.07", "0.09"]),
        ([0.0125, 0.02, None], ["0.0125", "0.0200", "–"]),
        ([1234.5, 0.0], ["1,234.50", "0"]),
        ([2.0e-5, 1.0], ["0.00002", "1.00000"]),
        ([], []),
    ],
)
def test_a_column_has_as_many_decimals_as_its_smallest_value_deserves(
    values: list[float | None], written: list[str]
) -> None:
    assert column(values) == written
