"""Fixtures of the searches for secrets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.needs import need

HOG = """\
public class Hog {
    public static void main(String[] words) throws Exception {
        System.out.println("ready");
        java.util.List<byte[]> taken = new java.util.ArrayList<>();
        if (words.length > 2) while (true) taken.add(new byte[1 << 20]);
        Thread.sleep(600_000);
    }
}
"""


@pytest.fixture(scope="session")
def hog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a program that waits, or takes all memory that there is."""
    folder = tmp_path_factory.mktemp("hog")
    (folder / "Hog.java").write_text(HOG)
    command = [need("javac"), "-nowarn", "-d", folder, folder / "Hog.java"]
    subprocess.run(command, check=True, capture_output=True)
    return folder
