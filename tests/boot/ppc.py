#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unmodified ppc64el kernel and initrd of Debian's installer on pseries, to a shell: ppc.py YADO [option ...]."""

import os
import subprocess
import sys
import threading

FOLDER = "/usr/lib/debian-installer/images/12/ppc64el/text/debian-installer/ppc64el/"
KERNEL = FOLDER + "vmlinux"
# In this order: tables and time, the terminal, all built-in drivers, and the shell.
MILESTONES = ("lpar: Using radix MMU under hypervisor", "Hardware name: yado pseries POWER9",
              "time_init: 56 bit decrementer", "printk: console [hvc0] enabled", "smp: Brought up 1 node, 1 CPU",
              "NET: Registered PF_INET protocol family", "self-tests for CTR-KDF (hmac(sha256)) passed",
              "Loaded X.509 cert", "Enter 'help' for a list of built-in commands.")
SECONDS = 280


def main():
    if not os.path.exists(KERNEL):
        sys.exit(f"{KERNEL} is missing: apt-get install debian-installer-12-netboot-ppc64el")
    guest = subprocess.Popen([sys.argv[1], "-M", "pseries,x-unfinished=on", "-cpu", "power9", "-m", "512", *sys.argv[2:],
                              "-serial", "stdio", "-kernel", KERNEL, "-initrd", FOLDER + "initrd.gz", "-append",
                              "console=hvc0 rdinit=/bin/sh"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    alarm = threading.Timer(SECONDS, guest.kill)
    alarm.start()
    left, lines = list(MILESTONES), []
    for line in guest.stdout:
        lines.append(line)
        if left[0] in line:
            left.pop(0)
        if not left:
            break
    alarm.cancel()
    guest.kill()
    guest.wait()
    if left:
        sys.exit("".join(lines[-40:]) + f"\nnever came: {left[0]}")


if __name__ == "__main__":
    main()
