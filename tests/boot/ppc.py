#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unmodified ppc64el kernel and initrd of Debian's installer on pseries, to a shell: ppc.py KIND YADO [option ...]."""

import os
import subprocess
import sys
import threading

FOLDER = "/usr/lib/debian-installer/images/12/ppc64el/text/debian-installer/ppc64el/"
KERNEL = FOLDER + "vmlinux"
# In this order: tables and time, the terminal, all built-in drivers, and the shell.
COMMON = ("printk: console [hvc0] enabled", "smp: Brought up 1 node, 1 CPU", "NET: Registered PF_INET protocol family",
          "self-tests for CTR-KDF (hmac(sha256)) passed", "Loaded X.509 cert", "Enter 'help' for a list of built-in commands.")
# By name: model, more of the kernel's command line, what comes first.
KINDS = {
    "power9": ("power9", "", ("lpar: Using radix MMU under hypervisor", "Hardware name: yado pseries POWER9",
                              "time_init: 56 bit decrementer")),
    "power9-hash": ("power9", "disable_radix", ("hash-mmu: Initializing hash mmu with SLB",)),
    "power8": ("power8", "", ("hash-mmu: base_shift=16: shift=24", "hash-mmu: Initializing hash mmu with SLB",
                              "Hardware name: yado pseries POWER8", "hash-mmu: ppc64_pft_size    = 0x16")),
}
SECONDS = 280


def main():
    if not os.path.exists(KERNEL):
        sys.exit(f"{KERNEL} is missing: apt-get install debian-installer-12-netboot-ppc64el")
    model, more, first = KINDS[sys.argv[1]]
    guest = subprocess.Popen([sys.argv[2], "-M", "pseries,x-unfinished=on", "-cpu", model, "-m", "512", *sys.argv[3:],
                              "-serial", "stdio", "-kernel", KERNEL, "-initrd", FOLDER + "initrd.gz", "-append",
                              f"console=hvc0 rdinit=/bin/sh {more}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace")
    alarm = threading.Timer(SECONDS, guest.kill)
    alarm.start()
    left, lines = [*first, *COMMON], []
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
