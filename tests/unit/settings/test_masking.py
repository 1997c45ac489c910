from __future__ import annotations

import pytest

from entrypoint.profile.schema import Place, SettingSpec
from entrypoint.settings.masking import MASK, mask_url, mask_words, said, shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-Ddb.password=hunter2"], [f"-Ddb.password={MASK}"]),
        (
            ["-Djavax.net.ssl.keyStorePassword=hunter2"],
            [f"-Djavax.net.ssl.keyStorePassword={MASK}"],
        ),
        (["-Dmy.TOKEN.value=hunter2=="], [f"-Dmy.TOKEN.value={MASK}"]),
        (["--api-key=hunter2", "x"], [f"--api-key={MASK}", "x"]),
        (["--password", "hunter2", "serve"], ["--password", MASK, "serve"]),
        (["--password", "--verbose"], ["--password", "--verbose"]),
        (
            ["jdbc:mysql://db/a?user=u&password=hunter2"],
            [f"jdbc:mysql://db/a?user=u&password={MASK}"],
        ),
        (["-Durl=http://u:hunter2@db/"], [f"-Durl=http://u:{MASK}@db/"]),
    ],
)
def test_a_secret_in_a_command_line_is_masked(words: list[str], shown: list[str]) -> None:
    assert list(mask_words(words)) == shown


@pytest.mark.parametrize(
    "word",
    [
        "-Dcom.sun.management.jmxremote.password.file=/etc/jmx.password",
        "-Dtoken.path=/run/token",
        "-Xmx300m",
        "-XX:+UseG1GC",
        "example.PasswordServer",
        "--verbose",
    ],
)
def test_what_is_no_secret_is_shown(word: str) -> None:
    assert mask_words([word, "next"]) == (word, "next")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2147483648", "2 GiB"),
        ("67108864", "64 MiB"),
        ("1610612736", "1536 MiB"),
        ("1000000", "976.6 KiB (1000000 bytes)"),
        ("0", "0 B"),
        ("${heap}", "${heap}"),
    ],
)
def test_a_size_is_told_as_the_plan_says_it(text: str, words: str) -> None:
    spec = SettingSpec("a", "size", Place("p", 1))
    assert said(spec, text) == words
    assert shown(spec, text) == text  # for programs
    assert said(SettingSpec("a", "int", Place("p", 1)), text) == text


def test_text_around_a_url_stays() -> None:
    assert mask_url("try jdbc:x?password=a&b=c now") == f"try jdbc:x?password={MASK}&b=c now"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("-Dshop.password=ab&cd;ef -Xmx1g", f"-Dshop.password={MASK} -Xmx1g"),
        ('"-Dapi.key=a b" -Xmx1g', f'"-Dapi.key={MASK}" -Xmx1g'),
        ("'-Dpassphrase=a b' -Xmx1g", f"'-Dpassphrase={MASK}' -Xmx1g"),
        ('-Dpassword="a b" -Xmx1g', f"-Dpassword={MASK} -Xmx1g"),
        ("-Dx=1\n-Dclient.credential=ab\n", f"-Dx=1\n-Dclient.credential={MASK}\n"),
        ("--auth-token=ab&c", f"--auth-token={MASK}"),
        ("-Dsecret.path=/a -Dpassword.file=/b", "-Dsecret.path=/a -Dpassword.file=/b"),
    ],
)
def test_options_inside_of_a_text(text: str, masked: str) -> None:
    """A recording, a note and an error hold them as they were given: quotes have to stay in pairs."""
    assert mask_url(text) == masked
    assert mask_url(masked) == masked
