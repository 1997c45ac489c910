"""What java left behind in this life, and only in this one."""

from __future__ import annotations

import os
from pathlib import Path

from entrypoint.system import remains

BEGAN = 1_700_000_000.0


def put(folder: Path, name: str, after: float, text: str = "") -> str:
    path = folder / name
    path.write_text(text)
    os.utime(path, (BEGAN + after, BEGAN + after))
    return str(path)


def test_the_newest_of_this_life_counts(tmp_path: Path) -> None:
    put(tmp_path, "hs_err_pid1.log", -60)
    put(tmp_path, "hs_err_pid2.log", 1)
    wanted = put(tmp_path, "hs_err_pid3.log", 2)
    put(tmp_path, "hs_err_pid4.log.bak", 3)
    put(tmp_path, "java_pid4.hprof", 3)
    folders = (str(tmp_path / "absent"), str(tmp_path))
    assert remains.newest(folders, remains.CRASH, BEGAN) == wanted
    assert remains.newest(folders, remains.CRASH, BEGAN + 60) == ""


def test_what_has_a_time_in_its_name_is_of_an_earlier_life_however_new_it_is(
    tmp_path: Path,
) -> None:
    put(tmp_path, "hs_err_pid8-2026-11-24T03-12-44Z.log", 0)
    put(tmp_path, "java_pid8-2026-11-24T03-12-44Z.hprof", 0)
    assert remains.newest([str(tmp_path)], remains.CRASH, BEGAN) == ""
    assert remains.newest([str(tmp_path)], remains.DUMP, BEGAN) == ""


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = put(tmp_path, "secret", 1, "# root's words\n")
    link = tmp_path / "hs_err_pid1.log"
    link.symlink_to(target)
    assert remains.newest([str(tmp_path)], remains.CRASH, 0) == ""
    assert remains.crash_head(str(link)) == ()
