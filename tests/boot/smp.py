#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux with several CPUs: smp.py YADO CASE."""

import hashlib
import os
import sys
import time

import boot
import guests
from boot import Failed, Guest, check

SOAK_SECONDS = int(os.environ.get("YADO_SOAK_SECONDS", "600"))
NUMBERS = 20000
WANTED = hashlib.md5("".join(f"{n}\n" for n in range(1, NUMBERS + 1)).encode()).hexdigest()
BAD = ("BUG:", "rcu: INFO", "soft lockup", "Oops", "Call trace", "WARNING:", "Kernel panic")


def healthy(guest):
    for word in BAD:
        if word in guest.seen:
            raise Failed(f"the kernel says '{word}'")


def load(guest, jobs, rounds, seconds):
    """Jobs at the same time, each of many processes: all sums come out."""
    guest.command(f"j() {{ for i in $(seq {rounds}); do seq {NUMBERS} | md5sum; done; }}")
    guest.command("k() { for i in $(seq %d); do (true); done; }" % (20 * rounds))
    line = "(" + "".join("j & k & " for _ in range(jobs)) + "wait)"
    text = guest.command(line, seconds)
    if text.count(WANTED) != jobs * rounds:
        raise Failed(f"{text.count(WANTED)} of {jobs * rounds} sums are right: {text[-2000:]}")
    healthy(guest)


def switch(guest, cpu, on):
    guest.command(f"echo {int(on)} > /sys/devices/system/cpu/cpu{cpu}/online")


def online(guest, text):
    check(guest.command("cat /sys/devices/system/cpu/online"), f"\n{text}\r")


def start(yado, folder, cpus, extra=(), seconds=300):
    initrd = os.path.join(folder, "small.gz")
    if not os.path.exists(initrd):
        guests.make_small_initrd(initrd)
    guest = Guest(yado, boot.linux_args(initrd, "256") + ["-smp", str(cpus), *extra])
    guest.expect(f"SMP: Total of {cpus} processors activated", seconds)
    guest.expect(boot.PROMPT, seconds)
    guest.command("mount -t proc proc /proc")
    guest.command("mount -t sysfs sys /sys")
    guest.command("mkdir -p /dev")
    guest.command("mount -t devtmpfs dev /dev")
    return guest


def finish(guest, line, work):
    try:
        work(guest)
        guest.send(line)
        guest.ends(0, 120)
    except Failed as why:
        raise Failed(f"{why}\n{boot.tail(guest)}") from None
    finally:
        guest.close()


def use_cpus(guest):
    online(guest, "0-3")
    load(guest, 4, 3, 300)
    for cpu in (1, 3, 2):
        switch(guest, cpu, False)
    online(guest, "0")
    load(guest, 2, 1, 200)
    for cpu in (2, 1, 3):
        switch(guest, cpu, True)
    online(guest, "0-3")
    load(guest, 4, 1, 200)
    guest.send("reboot -f\n")
    guest.expect("Total of 4 processors activated", 200)
    guest.expect(boot.PROMPT, 200)
    healthy(guest)


def case_smp(yado, folder):
    """Four CPUs: load, switched off and on, a restart, the end."""
    finish(start(yado, folder, 4), "poweroff -f\n", use_cpus)


def case_turns(yado, folder):
    """CPUs that take turns: compared with the interpreter, and under -icount."""
    for extra in (["--verify=64"], ["-icount", "shift=0"]):
        finish(start(yado, folder, 2, extra, 1200), "poweroff -f\n", lambda guest: load(guest, 2, 1, 600))


def soak(guest):
    end = time.monotonic() + SOAK_SECONDS
    rounds = 0
    while time.monotonic() < end:
        load(guest, 4, 5, 600)
        cpu = 1 + rounds % 3
        switch(guest, cpu, False)
        load(guest, 2, 1, 300)
        switch(guest, cpu, True)
        rounds += 1
    print(f"{rounds} rounds")


def case_soak(yado, folder):
    """On demand: ten minutes of that with four CPUs, or YADO_SOAK_SECONDS."""
    finish(start(yado, folder, 4), "poweroff -f\n", soak)


CASES = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}

if __name__ == "__main__":
    boot.main(CASES)
