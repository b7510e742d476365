# SPDX-License-Identifier: MIT
"""Real programs in the Debian guest of `tools/demo disk`: what each is, and one run of all of them in one emulator.

The guest's first program is bash, not systemd, so that nothing else runs. Files are in memory: disks are not measured.
"""

import os
import re
import shutil
from dataclasses import dataclass
from typing import Callable

PROMPT = "bench> "


def speed(pattern, work):
    """For programs that count for a fixed time: seconds that `work` units would take, at the rate that pattern finds."""
    return lambda seconds, text: work / float(re.search(pattern, text).group(1))


@dataclass
class Program:
    name: str
    binary: str
    package: str
    command: str
    seconds: Callable = lambda seconds, text: seconds


PROGRAMS = [
    Program("7z b", "7zz", "7zip", "7zz b 1 -mmt1 -md18"),
    Program("sha256 100 MB", "openssl", "openssl", "openssl speed -mr -elapsed -seconds 2 -bytes 16384 -evp sha256",
            speed(r"[+]F:\d+:sha256:([\d.]+)", 100e6)),
    Program("aes-cbc 100 MB", "openssl", "openssl", "openssl speed -mr -elapsed -seconds 2 -bytes 16384 -evp aes-128-cbc",
            speed(r"(?i)[+]F:\d+:aes-128-cbc:([\d.]+)", 100e6)),
    Program("rsa2048 100 signs", "openssl", "openssl", "openssl speed -mr -elapsed -seconds 2 rsa2048",
            speed(r"[+]F2:\d+:2048:([\d.e-]+):", 100)),
    Program("gcc -O2", "gcc", "gcc", "gcc -O2 -c -o /tmp/out.o /tmp/in.c"),
    Program("python3", "python3", "python3", "python3 /tmp/in.py"),
    Program("sqlite3", "sqlite3", "sqlite3", "sqlite3 :memory: < /tmp/in.sql"),
    Program("xz -6", "xz", "xz-utils", "xz -6 -k -c /tmp/in.tar"),
    Program("xz -d", "xz", "xz-utils", "xz -dc /tmp/in.tar.xz"),
]

# What the programs work on, made in the guest.
INPUTS = r"""mount -t proc proc /proc; mount -t tmpfs -o size=300m tmpfs /tmp; PATH=/usr/bin:/bin
cat > /tmp/make.py <<'END'
import random
random.seed(1)
with open("/tmp/in.c", "w") as c:
    for n in range(40):
        print(f"struct s{n} {{ int a, b[{n + 2}]; struct s{max(n - 1, 0)} *p; double d; }};", file=c)
        print(f"static int g{n}(struct s{n} *s, unsigned x) {{ int sum = {n}; for (unsigned i = 0; i < x; i++)", file=c)
        print(f"  switch ((i * {n * 7 + 3}) % 5) {{ case 0: sum += s->b[i % {n + 2}]; break; case 1: s->a ^= sum; break;", file=c)
        print(f"  case 2: s->d = s->d * sum + i; break; default: sum = sum << 1 | (sum & {n}); }} return sum; }}", file=c)
        print(f"int f{n}(struct s{n} *s, unsigned x) {{ return g{n}(s, x) + g{n}(s, x / 3); }}", file=c)
with open("/tmp/in.sql", "w") as sql:
    print("create table t(a integer primary key, b integer, c text); begin;", file=sql)
    print("with recursive n(x) as (select 1 union all select x + 1 from n where x < 60000) insert into t "
          "select x, x * 7919 % 10007, 'row ' || (x * 31 % 997) from n;", file=sql)
    print("create index i on t(b); commit; select count(*), sum(a) from t where b between 100 and 5000;", file=sql)
    print("select c, count(*), avg(b) from t group by c order by 3 limit 5;", file=sql)
    print("select count(*) from t x join t y on x.b = y.a where x.c like '%99%';", file=sql)
with open("/tmp/in.py", "w") as py:
    print('''
import json, re
words = {}
for i in range(60000):
    word = "w%d" % (i * 7919 % 5003)
    words[word] = words.get(word, 0) + i
class Node:
    def __init__(self, value):
        self.value, self.left, self.right = value, None, None
    def add(self, value):
        side = "left" if value < self.value else "right"
        child = getattr(self, side)
        child.add(value) if child else setattr(self, side, Node(value))
root = Node(500)
for i in range(5000):
    root.add(i * 7919 % 1009 + i / 5000) if i % 3 else None
text = json.dumps(words)
print(len(json.loads(text)), len(re.findall("w[1-4]+[0-9]*7", text)), sum(x * x % 7 for x in range(200000)))
''', file=py)
END
python3 /tmp/make.py; tar -cf /tmp/in.tar -C /usr/lib/python3.11 asyncio json email unittest; xz -1 -k /tmp/in.tar"""


def run(emulator, folder, work, wanted, repeats):
    """Starts the disk of folder (a copy in work) and runs the programs. {name: [(guest seconds, host CPU seconds)]}; a
    program that the guest lacks is not in it."""
    files = {name: os.path.join(work, name) for name in ("vmlinuz", "initrd.gz", "disk.img")}
    for name, path in files.items():
        if not os.path.exists(path):
            shutil.copyfile(os.path.join(folder, name), path)
    append = "console=ttyAMA0 quiet root=/dev/vda init=/bin/bash"
    results = {}
    with emulator.start(files["vmlinuz"], files["initrd.gz"], append, disk=files["disk.img"]) as guest:
        guest.expect("# ", 300)
        guest.send("stty -echo; PS1='ben''ch> ' PS2= exec bash --noediting --norc")
        guest.expect(PROMPT)
        for line in [*INPUTS.split("\n"), "TIMEFORMAT=seconds=%R", "echo rea''dy"]:
            guest.send(line)
        guest.expect("ready\n" + PROMPT, 300)
        for _ in range(repeats):
            for p in wanted:
                guest.send(f"type {p.binary} > /tmp/there 2>&1 && echo BEGIN && time {{ {p.command}; }} > /tmp/out 2>&1 && "
                           "echo END; tail -n 4 /tmp/out")
                if guest.expect("BEGIN\n|" + PROMPT, 60).group(0) != b"BEGIN\n":
                    continue
                before = guest.cpu()
                seconds = float(guest.expect(r"seconds=([\d.]+)\n", 600).group(1))
                cpu = guest.cpu() - before
                text = guest.expect(r"END\n(?s:(.*?))" + PROMPT, 60).group(1).decode(errors="replace")
                figure = p.seconds(seconds, text)
                results.setdefault(p.name, []).append((figure, figure * cpu / seconds))
    return results
