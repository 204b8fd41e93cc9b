"""What somebody does who looks for a programme, or begins one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.app import run
from cli.output import BAD_FILE, OK, USAGE
from runtime.settings import CHECKOUT, Settings
from schemas.loading import open_programme

UNITS = CHECKOUT / "programmes/qingzhou-double-three/units.csv"
NEW = ("programme", "new", "our-craftsman", "--zh", '我们"市"工匠', "--units", str(UNITS), "--root", "370781")
RANKS = ("--rank", "enterprise", "--rank", "township", "--rank", "county")


async def test_every_shipped_programme_is_listed_with_its_source_levels_steps_and_assumptions() -> None:
    listed = (await run(("programme", "list", "--json"), Settings())).json
    assert [one["file"] for one in listed] == [
        str(file.relative_to(CHECKOUT)) for file in sorted(CHECKOUT.glob("programmes/*/*.yaml"))
    ]
    first = next(one for one in listed if one["id"] == "sichuan-craftsman@1")
    assert (first["seats"], first["subject"]) == (30, "person")
    assert first["levels"][:2] == ["enterprise", "township"]
    assert first["steps"]["enterprise"] == ["intake", "eligibility", "endorsement"]
    assert first["sources"]
    assert first["assumptions"]


@pytest.mark.parametrize("ranks", [RANKS, RANKS[:2] + RANKS[4:]], ids=["three levels", "two levels"])
async def test_a_new_programme_can_be_opened_at_once(tmp_path: Path, ranks: tuple[str, ...]) -> None:
    told = await run((*NEW, *ranks, "--folder", str(tmp_path)), Settings())
    assert (told.exit_code, told.json["faults"]) == (OK, [])
    opened = open_programme(tmp_path / "our-craftsman/1.yaml").programme
    assert opened.title.zh == '我们"市"工匠'
    assert list(opened.stages) == list(ranks[1::2])
    assert opened.assumptions


async def test_a_new_programme_never_overwrites_one(tmp_path: Path) -> None:
    await run((*NEW, *RANKS, "--folder", str(tmp_path)), Settings())
    file = tmp_path / "our-craftsman/1.yaml"
    file.write_text("# mine\n", "utf-8")
    assert (await run((*NEW, *RANKS, "--folder", str(tmp_path)), Settings())).exit_code == USAGE
    assert file.read_text("utf-8") == "# mine\n"


async def test_a_new_programme_needs_a_ladder(tmp_path: Path) -> None:
    one_rank = (*NEW, "--rank", "county", "--folder", str(tmp_path))
    assert (await run(one_rank, Settings())).exit_code == USAGE
    upside_down = (*NEW, "--rank", "county", "--rank", "township", "--folder", str(tmp_path))
    assert (await run(upside_down, Settings())).exit_code == BAD_FILE
    right = (*NEW, *RANKS, "--folder", str(tmp_path))  # what had faults was not left behind
    assert (await run(right, Settings())).exit_code == OK
