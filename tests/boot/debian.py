#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian of `tools/demo disk`, on demand: debian.py YADO CASE; with YADO_SYSTEM=ppc64el the one for PowerPC. The disk is
made if need be, and stays as it was."""

import contextlib
import hashlib
import os
import shlex
import signal
import subprocess

import boot
from boot import Failed, Guest, check
from disk import demo, image
from disk.systems import SYSTEMS

SYSTEM = SYSTEMS[os.environ.get("YADO_SYSTEM", "arm64")]
SECONDS = int(os.environ.get("YADO_SOAK_SECONDS", "1800"))
SLOWER = 200  # how much --verify of every block may cost, on a loaded machine

# What the soak does in each round, in the guest: everything is compiled, hashed and packed again, by four jobs at a time,
# each of which starts a hundred processes; whatever differs from the first round is said.
SOAK = r"""
mkdir -p ~/soak && cd ~/soak
for i in $(seq 12); do
    {
        echo '#include <stdio.h>'
        for j in $(seq 25); do
            echo "int f${i}_$j(int a, int b) { int s = a * $j; for (int k = 0; k < b; k++) { s ^= k * $i + (s >> 3);"
            echo "if (s % 7 == 3) s += printf(\"%d\", k); switch (s & 7) { case 0: s += 5; break; case 3: s -= a; break;"
            echo "case 5: s *= b; } } return s; }"
        done
    } > f$i.c
done
printf 'all: %s\n%%.o: %%.c\n\tgcc -O2 -c $< -o $@\n' "$(seq -s ' ' -f 'f%g.o' 12)" > Makefile
head -c 20000000 /dev/urandom > data
want=$(sha256sum < data)
objects=
job() {
    [ "$(sha256sum < data)" = "$want" ] || echo soak: wrong hash
    for q in $(seq 100); do /bin/true; done
    gzip -1 < data | gunzip | cmp - data || echo soak: wrong bytes
}
rounds=0
while [ $SECONDS -lt $1 ]; do
    rm -f *.o
    make -j4 -s
    now=$(cat f*.o | sha256sum)
    [ "$now" = "${objects:=$now}" ] || echo soak: wrong objects
    for k in 1 2 3 4; do job & done
    wait
    rounds=$((rounds + 1))
    echo soak: $rounds rounds, $SECONDS s
done
echo soak: ended
"""


def log_in(guest, seconds=400):
    guest.expect("login: ", seconds)
    guest.send("root\n")
    guest.expect("Password: ", seconds)
    guest.send("root\n")
    guest.expect(demo.PROMPT, seconds)


def ask(guest, line, seconds=120):
    """Runs a command in the guest's bash; returns what it writes."""
    guest.send(line + "\n")
    guest.expect("\x1b[?2004l", seconds)
    return guest.expect(demo.PROMPT, seconds)


@contextlib.contextmanager
def debian(yado, *extra):
    """The system, started; what goes wrong is told with the end of its console."""
    kept = demo.default_folder(SYSTEM)
    try:
        demo.prepare(yado, kept, SYSTEM)
    except image.Failed as why:
        raise Failed(str(why)) from None
    guest = Guest(yado, demo.command(yado, kept, "disk.img", "-snapshot", *extra, system=SYSTEM)[1:])
    try:
        yield guest
    except (Failed, subprocess.TimeoutExpired) as why:
        raise Failed(f"{why}\n{boot.tail(guest)}") from None
    finally:
        guest.close()


def power_off(guest, seconds=200):
    guest.send("poweroff\n")
    guest.ends(0, seconds)


def work(guest, folder, port):
    """What a user does with a system."""
    ask(guest, "mkdir src && cd src && printf '#include <stdio.h>\\nint main(void) { printf(\"%%d\\\\n\", 6 * 7); }\\n' > a.c")
    ask(guest, "tar czf ../a.tar.gz a.c && rm a.c && tar xzf ../a.tar.gz")
    check(ask(guest, "gcc -O2 -o a a.c && ./a", 300), "42\r\n")
    ask(guest, "git init -q . && git add a.c && git -c user.name=a -c user.email=a@b commit -qm first", 300)
    check(ask(guest, "git log --oneline | cat"), " first\r\n")
    check(ask(guest, "python3 -c 'import hashlib; print(hashlib.sha256(b\"yado\").hexdigest())'"),
          hashlib.sha256(b"yado").hexdigest())
    check(ask(guest, "networkctl status | cat"), "routable")
    key = os.path.join(folder, "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with open(key + ".pub", encoding="utf-8") as public:
        ask(guest, f"mkdir -p ~/.ssh && echo '{public.read().strip()}' > ~/.ssh/authorized_keys")
    done = subprocess.run(["ssh", "-p", str(port), "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                           "-o", "BatchMode=yes", "root@127.0.0.1", "uname -m; cat src/a.c"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    check(done.stdout, SYSTEM.uname + "\n", "6 * 7")


def case_use(yado, folder):
    """Used, restarted, powered off."""
    try:
        port = demo.free_port(demo.SSH_PORT)
    except image.Failed as why:
        raise Failed(str(why)) from None
    with debian(yado, *demo.network(port)) as guest:
        log_in(guest)
        work(guest, folder, port)
        guest.send("reboot\n")
        log_in(guest)
        check(ask(guest, "cat src/a.c"), "6 * 7")
        power_off(guest)


def case_login(yado, _folder):
    """To `login:`, a command, and off: what a build with sanitizers can do in minutes."""
    with debian(yado) as guest:
        log_in(guest, 3600)
        check(ask(guest, "uname -m", 600), SYSTEM.uname)
        power_off(guest, 1200)


def case_verify(yado, _folder):
    """The same with each run of a block compared with the interpreter; virtual time, so that systemd does not give up."""
    with debian(yado, "--verify", "-icount", "shift=3") as guest:
        guest.expect("login: ", 60 * SLOWER)
        guest.process.terminate()
        guest.ends(128 + signal.SIGTERM, 60)
        boot.check_verified(guest.seen, 5 * 10**8)


def soak(guest, seconds):
    for line in SOAK.splitlines():
        ask(guest, f"echo {shlex.quote(line)} >> soak.sh")
    guest.send(f"bash soak.sh {seconds}\n")
    text = guest.expect("soak: ended", 4 * seconds + 600)
    wrong = [line for line in text.splitlines() if "wrong" in line or "rror" in line]
    if wrong:
        raise Failed(f"{len(wrong)} times: {wrong[0]}")
    print([line for line in text.splitlines() if " rounds, " in line][-1].strip())


def case_soak(yado, _folder):
    """Four CPUs compile, hash, pack and start processes for half an hour, or YADO_SOAK_SECONDS."""
    with debian(yado, "-smp", "4") as guest:
        log_in(guest)
        soak(guest, SECONDS)
        guest.expect(demo.PROMPT, 60)
        power_off(guest)


CASES = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}

if __name__ == "__main__":
    boot.main(CASES)
