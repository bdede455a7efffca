"""Runs that were measured elsewhere: the published ones, and files that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload_sdk.baseline.imported import import_runs
from offload_sdk.errors import ConfigurationError

pytestmark = pytest.mark.light

PUBLISHED = """platform,total_s,mean_s,cost_usd
Fargate,1830.86,3.05,0.07
Fargate,1837.39,3.06,0.07
Fargate,1790.19,2.98,0.07
EC2,1724.15,2.87,0.09
EC2,1748.85,2.91,0.09
EC2,1730.65,2.88,0.09
"""


def test_the_published_runs_give_the_published_means_and_deviations(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(PUBLISHED)
    summary = import_runs(tmp_path / "runs.csv")
    fargate, ec2 = summary.targets
    assert summary.imported
    assert summary.repeat == 3
    assert (fargate.name, fargate.platform, ec2.name, ec2.platform) == ("Fargate", "fargate", "EC2", "ec2")
    assert fargate.series.mean_total_s == pytest.approx(1819.48, abs=0.005)
    assert fargate.series.sd_total_s == pytest.approx(25.68, rel=0.01)
    assert fargate.series.mean_s == pytest.approx(3.03, abs=0.005)
    assert fargate.series.sd_s == pytest.approx(0.04, abs=0.005)
    assert fargate.series.mean_cost_usd == pytest.approx(0.07)
    assert ec2.series.mean_total_s == pytest.approx(1734.55, abs=0.005)
    assert ec2.series.sd_total_s == pytest.approx(12.72, rel=0.01)
    assert ec2.series.mean_s == pytest.approx(2.89, abs=0.005)
    assert ec2.series.sd_s == pytest.approx(0.02, abs=0.005)
    assert ec2.series.mean_cost_usd == pytest.approx(0.09)


def test_columns_may_stand_in_any_order_with_others_between_them(tmp_path: Path) -> None:
    text = "\ufeffmean_s,when,total_s,cost_usd,platform\r\n3.0,noon,1800,0.07, local \r\n\r\n"
    (tmp_path / "runs.csv").write_text(text, encoding="utf-8")
    (target,) = import_runs(tmp_path / "runs.csv").targets
    (run,) = target.series.runs
    assert (target.name, target.path, run.total_s, run.mean_s, run.cost_usd) == ("local", "local", 1800, 3, 0.07)


def test_case_does_not_matter_in_the_header_and_in_local(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("Platform,TOTAL_S,Mean_s,Cost_USD\nLocal,180,0.3,0\n")
    (target,) = import_runs(tmp_path / "runs.csv").targets
    assert (target.name, target.path, target.series.mean_total_s) == ("Local", "local", 180.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; it needs the columns platform,total_s"),
        ("platform,total_s,mean_s,cost_usd\n", "no row below its header"),
        ("platform,total_s,mean_s\nx,1,1\n", "no column 'cost_usd'"),
        ("platform,total_s,mean_s,cost_usd,mean_s\nx,1,1,1,1\n", "more than one column 'mean_s'"),
        ("platform,total_s,mean_s,cost_usd\nx,1,1,1\nx,1,1\n", "row 3 .* has 3 cells, and the header has 4"),
        ("platform,total_s,mean_s,cost_usd\nx,1,,1\n", "row 2 .*: mean_s is empty"),
        ("platform,total_s,mean_s,cost_usd\n,1,1,1\n", "row 2 .*: platform is empty"),
        ("platform,total_s,mean_s,cost_usd\nx,1,nan,1\n", "row 2 .*: mean_s is nan"),
        ("platform,total_s,mean_s,cost_usd\nx,inf,1,1\n", "row 2 .*: total_s is inf"),
        ("platform,total_s,mean_s,cost_usd\n\nx,1,1,-0.1\n", "row 3 .*: cost_usd is -0.1"),
        ("platform,total_s,mean_s,cost_usd\nx,1,1,0,07\n", "row 2 .* has 5 cells"),
        ("platform,total_s,mean_s,cost_usd\nx,1,about 3,1\n", "row 2 .*: mean_s is 'about 3', which is no number"),
        ('platform,total_s,mean_s,cost_usd\nx,1,"1,1\n', "is no CSV file"),
        ("platform;total_s;mean_s;cost_usd\nx;1;1;1\n", "with commas between them"),
        ("platform,total_s,mean_s,cost_usd\nx,1e300,1,1\n", "row 2 .*: total_s is 1e300; it must be 0, or from"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_the_row(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        import_runs(tmp_path / "runs.csv")


def test_a_file_that_is_not_there_or_not_text_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        import_runs(tmp_path / "runs.csv")
    (tmp_path / "runs.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is no CSV file"):
        import_runs(tmp_path / "runs.csv")
