"""Fuzzed: what the JVM, the kernel, java and the servers around say, read without a process or a socket."""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501, ISC004

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import struct
import tempfile
from pathlib import Path

from fuzzing import CANARY, Target

from entrypoint import sql_script
from entrypoint.integrations import html, otter_rows
from entrypoint.jvm import diagnosis, hsperfdata, metrics, release
from entrypoint.jvm.heap_info import parse_heap_info
from entrypoint.lifecycle import previous
from entrypoint.settings import jdbc_url
from entrypoint.system import cgroup, procfs, remains
from entrypoint.system.checks import jute
from entrypoint.system.checks.result import CheckFailed
from entrypoint.system.sample import process_sample, with_heap

CORPUS = Path(__file__).with_name("corpus")
NOTHING = parse_heap_info("")


def run_hsperfdata(data: bytes) -> str:
    """The JVM's counters: to metrics in each vocabulary, and to the heap of the status page."""
    try:
        layout = hsperfdata.Layout(data)
    except hsperfdata.PerfDataError as error:
        return str(error)
    assert layout.fits(data)
    counters = layout.read(data)
    said = []
    for vocabulary in metrics.VOCABULARIES:
        for metric, samples in metrics.samples(counters, NOTHING, 1e9, vocabulary):
            said.append(f"{metric.key} {len(samples)}")
            assert all(isinstance(value, int | float) for _, _, value in samples)
    with_heap(process_sample(os.getpid(), 1.0, cgroup.Usage()), counters, NOTHING)
    return "\n".join(said)


def rebuild_hsperfdata(chance: random.Random, data: bytes) -> bytes:
    """Change a field of the prologue or of an entry's head to a number that may not fit."""
    if len(data) < 64:
        return data
    changed = bytearray(data)
    number = chance.choice((0, 1, -1, 19, 20, 21, 255, 4096, 65536, 1 << 20, 2**31 - 1, -(2**31)))
    at = chance.choice((8, 12, 24, 28)) if chance.random() < 0.3 else _entry_of(chance, changed)
    at = min(at, len(changed) - 4)
    struct.pack_into("<i", changed, at, number)
    return bytes(changed)


def _entry_of(chance: random.Random, data: bytearray) -> int:
    at = 32
    for _ in range(chance.randrange(200)):
        (length,) = struct.unpack_from("<i", data, at)
        if not 20 <= length < 4096 or at + length + 20 >= len(data):
            break
        at += length
    return at + chance.choice((0, 4, 8, 12, 13, 14, 15, 16, 24))


def run_answers(data: bytes) -> str:
    """What the JVM answers to our commands: to pools, and to the lines of a diagnosis."""
    text = data.decode("utf-8", "replace")
    found = parse_heap_info(text, text[len(text) // 2 :])
    for vocabulary in metrics.VOCABULARIES:
        list(metrics.samples(None, found, 1e9, vocabulary))
    diagnosis.largest(text)
    lines = list(diagnosis.summary({question.file: text for question in diagnosis.QUESTIONS}))
    assert len(lines) <= 12
    assert all(len(line) < 4000 for _, line in lines)
    return "".join(f"{label} {line}\n" for label, line in lines)


_ROOT = tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
atexit.register(shutil.rmtree, _ROOT, ignore_errors=True)


def run_kernel(data: bytes) -> str:
    """A tree of /proc and /sys: each file stands behind a line `=== path`."""
    shutil.rmtree(_ROOT, ignore_errors=True)
    for part in data.split(b"=== ")[1:40]:
        name, _, content = part.partition(b"\n")
        path = os.path.normpath("/" + name.decode("utf-8", "replace").replace("\0", ""))[:200]
        try:
            os.makedirs(os.path.dirname(_ROOT + path), exist_ok=True)
            Path(_ROOT + path).write_bytes(content)
        except OSError:
            continue
    limit = cgroup.memory_limit(_ROOT)
    assert limit is None or limit > 0
    quota = cgroup.cpu_quota(_ROOT)
    assert quota is None or quota > 0
    cgroup.oom_kill_count(_ROOT), cgroup.version(_ROOT)
    usage = cgroup.UsageReader(_ROOT).read()
    process_sample(7, 1.0, usage, _ROOT)
    mounts = procfs.read_mounts(_ROOT)
    for path in ("/", "/sys/fs/cgroup/memory", "/a/b"):
        procfs.mount_of(path, mounts)
    return ""


KERNEL = tuple(
    b"=== proc/self/cgroup\n%s=== proc/self/mountinfo\n22 27 0:21 / /proc rw - proc proc rw\n%s"
    b"=== proc/meminfo\nMemTotal:       4194304 kB\n=== proc/7/stat\n7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0"
    b" 3 4 0 0 20 0 25 0 1 1000 200 18446744073709551615\n%s" % parts
    for parts in (
        (
            b"0::/a/b\n",
            b"41 31 0:38 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n",
            b"=== sys/fs/cgroup/cgroup.controllers\ncpu memory\n=== sys/fs/cgroup/b/memory.max\n536870912\n"
            b"=== sys/fs/cgroup/memory.max\nmax\n=== sys/fs/cgroup/b/cpu.max\n150000 100000\n"
            b"=== sys/fs/cgroup/b/memory.current\n1000000\n=== sys/fs/cgroup/b/memory.stat\ninactive_file 5\n"
            b"=== sys/fs/cgroup/b/cpu.stat\nusage_usec 5\nnr_periods 1\nnr_throttled 0\nthrottled_usec 0\n"
            b"=== sys/fs/cgroup/b/memory.events\noom_kill 0\n",
        ),
        (
            b"9:name=systemd:/\n4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n",
            b"32 22 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            b"35 22 0:32 /x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            b"=== sys/fs/cgroup/memory/memory.limit_in_bytes\n9223372036854771712\n"
            b"=== sys/fs/cgroup/memory/memory.stat\nhierarchical_memory_limit 1073741824\n"
            b"=== sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us\n-1\n"
            b"=== sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us\n100000\n",
        ),
    )
)


def run_java(data: bytes) -> str:
    """The release file, `java -version`, ranges of JDKs, the head of a crash log, the last run's file."""
    text = data.decode("utf-8", "replace")
    said = []
    for found in (release.parse_release(text), release.parse_version_output(text)):
        if found is not None:
            assert 0 <= found.feature < 1000 and len(found.version) < 80
            release.identify("/j", "/j/bin/java", text, text)
    for line in text.splitlines()[:20]:
        try:
            release.JdkRange.parse(line).contains(17)
        except ValueError as error:
            said.append(str(error)[:600].encode("ascii", "replace").decode())
    log = Path(_ROOT).with_name(Path(_ROOT).name + ".log")
    log.write_bytes(data)
    said.extend(remains.crash_head(str(log)))
    log.unlink()
    run = previous.parse_run(data)
    if run is not None:
        assert previous.parse_run(previous.format_run(run)) is not None
        said.append(run.summary)
    assert all(len(line) <= 1000 for line in said)
    return "\n".join(said)


JAVA = (
    b'JAVA_VERSION="17.0.15"\nIMPLEMENTOR="Debian"\nJAVA_RUNTIME_VERSION="17.0.15+6"\nJVM_VARIANT="Hotspot"\n',
    b'Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version "1.8.0_504"\nOpenJDK Runtime Environment (build 1.8.0)\n',
    b"#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x00007f\n"
    b"# Problematic frame:\n# C  [libx.so+0x10]  f+0x5\n#\n# If you would like to submit a bug report\n",
    b"number=3\nbegan=1700000000.5\nended=1700000100.0\ncode=137\nhow=oom-killed\nsummary=java was killed\n",
    b"8\n8-13\n9-\n-17\n8,11,17-\n999-1\n",
)


def run_pages(data: bytes) -> str:
    """A page of otter's manager, as a list of everything."""
    page = html.parse(data.decode("utf-8", "replace"))
    rows = otter_rows.nodes(page)
    clusters = otter_rows.clusters(page)
    otter_rows.cluster_for(clusters, "", "zk1:2181,zk2:2181")
    otter_rows.pipelines(page)
    otter_rows.nodes_of_pipeline(page)
    for number in (1, 7, *(row.nid for row in rows[:3])):
        otter_rows.channel(page, number)
    return ""


PAGES = (
    '<table><tr><th>序号</th></tr><tr><td width="4%">12</td><td><div><a href="nodeInfo.htm?nodeId=12">one</a></div>'
    '</td><td>203.0.113.9 (外)</td><td>2088</td><td> 已启动 </td><td><a href="#">查看</a></td></tr>'
    '<tr><td>3</td><td><a href="x">other</a></td><td>host</td><td>30100</td><td>未启动</td></tr></table>',
    '<form><input name="_fm.n._0.n" value="a"><input type="password" name="p"><select name="_fm.no._0.a">'
    '<option value="1">one<option value="2" selected>two</select><textarea name="_fm.n._0.d">text &lt;x</textarea>'
    '<span class="red">wrong</span><input type=radio name=u value=true checked></form>',
    '<table><tr><td>7</td><td>channel</td><td>运行</td><td><a href="channelList.htm?status=start&amp;x=1">启用</a>'
    "</td></tr><tr><td>1</td><td>far</td><td>[zk1:2181,zk2:2181]</td></tr></table>",
)


def run_replies(data: bytes) -> str:
    """Answers of ZooKeeper, and texts that lead to a database."""
    for parse in (jute.parse_welcome, jute.parse_reply, jute.parse_stat, jute.frame_length):
        try:
            parse(data[:4].ljust(4, b"\0") if parse is jute.frame_length else data)
        except (ValueError, CheckFailed):
            continue
    text = data.decode("utf-8", "replace")
    for part in (text, f"jdbc:mysql://{text}", f"jdbc:mariadb:{text}"):
        try:
            found = jdbc_url.parse_jdbc_url(part)
        except ValueError:
            continue
        assert 0 < len(found.hosts) <= jdbc_url.HOST_LIMIT
    return ""


REPLIES = (
    struct.pack(">iiqi", 0, 30000, 7, 16) + b"p" * 16,
    struct.pack(">iqi", 1, 5, 0) + struct.pack(">qqqqiiiqiiq", *range(11)),
    struct.pack(">iqi", 1, 5, 0) + struct.pack(">i", 2) + b"\0\0\0\x01a\0\0\0\x01b",
    b"u:p@address=(host=h)(port=3306),(host=h,port=1),[::1]:3306/otter?password=" + CANARY.encode(),
    json.dumps({"channels": [1, 2, 3], "settled": True}).encode(),
)


def run_sql(data: bytes) -> str:
    """A script of SQL."""
    try:
        statements = sql_script.split(data.decode("utf-8", "replace"))
    except ValueError as error:
        return str(error)
    for statement in statements[:500]:
        assert len(statement.table) <= len(statement.text)
    return ""


SQL = (
    b"-- c\nCREATE TABLE IF NOT EXISTS `a`.`b` (x int); /*!40101 SET x=1 */;\nINSERT INTO b VALUES ('a;''b');\n",
    b'DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\nDELIMITER ;\nUSE otter; # x\nSELECT "a\\"";\n',
)

TARGETS = (
    Target(
        "hsperfdata",
        tuple(path.read_bytes() for path in sorted(CORPUS.glob("hsperfdata-*.bin"))),
        run_hsperfdata, 600, (b"sun.gc.", b"java.rt.", b"\xca\xfe\xc0\xc0"), rebuild_hsperfdata,
    ),
    Target(
        "answers", tuple(path.read_bytes() for path in sorted(CORPUS.glob("answers-*.txt"))), run_answers, 400,
        (b"K", b"0x", b"used", b"Found one Java-level deadlock:\n", b'"a":\n', b"CodeHeap '"),
    ),
    Target("kernel", KERNEL, run_kernel, 250, (b"=== ", b"/..", b"max", b"cgroup2", b" - ", b"\\040", b"(deleted)")),
    Target("java", JAVA, run_java, 500, (b'JAVA_VERSION="', b' version "', b"#", b"number=", b"8-", b"-")),
    Target(
        "pages", tuple(page.encode() for page in PAGES), run_pages, 300,
        (b"<td>", b"</td>", b"<tr>", b"<!--", b"-->", b"<![CDATA[", b"<![ >", b"<!", b"<?", b"</", b"<a ", b"<option>", b"<a href='", b"&#x", b"<textarea name=a>"),
    ),
    Target("replies", REPLIES, run_replies, 600, (b"(host=", b")", b"@", b",", b"[", b"]:", b"/", b"?")),
    Target("sql", SQL, run_sql, 300, (b"DELIMITER ", b"/*!", b"*/", b";", b"--", b"`", b"CREATE TABLE ")),
)  # fmt: skip
