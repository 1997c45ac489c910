"""GC logging: the flags of 8 as one -Xlog, and back."""

from __future__ import annotations

import pytest

from entrypoint.jvm.gclog import to_legacy, unify


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-Xloggc:/gc.log", "-Xlog:gc:file=/gc.log:uptime,level,tags"),
        ("-XX:+PrintGC", "-Xlog:gc:stdout:uptime,level,tags"),
        ("-XX:+PrintGC -XX:+PrintGCDetails", "-Xlog:gc*:stdout:uptime,level,tags"),
        ("-Xloggc:/a -Xloggc:/b", "-Xlog:gc:file=/b:uptime,level,tags"),
        ("-Xloggc:/a:b", '-Xlog:gc:file="/a:b":uptime,level,tags'),
        (
            (
                "-Xloggc:/gc-%p.log -XX:+PrintGCDetails -XX:+PrintGCDateStamps -XX:+PrintGCTimeStamps"
                " -XX:+UseGCLogFileRotation -XX:NumberOfGCLogFiles=10 -XX:GCLogFileSize=10m"
            ),
            "-Xlog:gc*:file=/gc-%p.log:time,uptime,level,tags:filecount=10,filesize=10m",
        ),
        (
            (
                "-XX:+PrintTenuringDistribution -Xloggc:/x -XX:+PrintGCApplicationStoppedTime"
                " -XX:+PrintGCApplicationConcurrentTime"
            ),
            "-Xlog:gc,gc+age*=trace,safepoint:file=/x:uptime,level,tags",
        ),
        ("-Xloggc:/x -XX:+UseGCLogFileRotation", "-Xlog:gc:file=/x:uptime,level,tags:filecount=5"),
        ("-XX:+PrintGC -XX:-PrintGC", ""),
        ("-XX:-PrintGCDetails", ""),
        ("-XX:+PrintGCCause", ""),
        ("-XX:+PrintGCDateStamps", ""),
        ("-XX:+UseGCLogFileRotation -XX:NumberOfGCLogFiles=3", ""),
        ("", ""),
    ],
)
def test_unify(options: str, expected: str) -> None:
    assert unify(tuple(options.split())) == expected


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (
            "-Xlog:gc*,safepoint:file=/gc.log:time,uptime,level,tags:filecount=5,filesize=10m",
            (
                "-Xloggc:/gc.log -XX:+PrintGCDetails -XX:+PrintGCDateStamps -XX:+PrintGCTimeStamps"
                " -XX:+PrintGCApplicationStoppedTime -XX:+UseGCLogFileRotation -XX:NumberOfGCLogFiles=5"
                " -XX:GCLogFileSize=10m"
            ),
        ),
        ("-Xlog:gc", "-XX:+PrintGC"),
        ("-Xlog:gc:stderr", "-XX:+PrintGC"),
        ("-Xlog:gc=debug:/x.log::filecount=0", "-Xloggc:/x.log -XX:+PrintGC"),
        ('-Xlog:gc:file="/a:b"::filecount=0', "-Xloggc:/a:b -XX:+PrintGC"),
        ("-Xlog", "-XX:+PrintGCDetails"),
        ("-Xlog:class+load:file=/x", ""),
        ("-Xlog:disable", ""),
        ("-Xlog:gc=off", ""),
    ],
)
def test_to_legacy(option: str, expected: str) -> None:
    assert to_legacy(option) == tuple(expected.split())
