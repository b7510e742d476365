# SPDX-License-Identifier: MIT
"""Boots Debian's installer kernel to its shell: host CPU time, and the memory that the emulator itself needs."""

import re

APPEND = "console=ttyAMA0 quiet rdinit=/bin/sh"
GUEST_RAM = 1024 << 10  # kB, see emulators.MACHINE


def mappings(pid):
    """(kB resident, kB size, inode, name) of each mapping of a process."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        text = smaps.read()
    # the first line of a mapping: range, rights, offset, device, inode, name
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
        head = block.split("\n", 1)[0].split(None, 5)
        size, rss = (int(re.search(rf"\n{key}: +(\d+) kB", block).group(1)) for key in ("Size", "Rss"))
        yield rss, size, head[4], head[5] if len(head) > 5 else ""


def beyond_ram(pid):
    """(kB resident apart from the guest's RAM, kB of the RAM that are resident). Pages that are mapped twice, as
    generated code may be, count once."""
    once, ram = {}, 0
    for number, (rss, size, inode, _) in enumerate(mappings(pid)):
        if GUEST_RAM <= size < GUEST_RAM + (32 << 10):
            ram += rss
        elif inode == "0":
            once[number] = rss
        else:
            once[inode, size] = max(rss, once.get((inode, size), 0))
    return sum(once.values()), ram


def parts(pid):
    """The largest mappings but the guest's RAM: [(kB resident, kB size, name)]."""
    found = [(rss, size, name) for rss, size, _, name in mappings(pid) if rss >= 256 and size < GUEST_RAM]
    return sorted(found, reverse=True)


def counters(emulator, kernel, initrd):
    """yado's counters of a boot to the shell, {name: number}: `info jit`."""
    with emulator.start(kernel, initrd, APPEND) as guest:
        guest.expect("~ # ", 600)
        guest.toggle_monitor()
        found = {}
        for _ in range(3):  # a word of the guest's may stand in the middle
            text = guest.monitor("info jit")
            found.update((name, float(number)) for name, number in re.findall(r"(\S.*?) +([\d.]+)\n", text))
        return found


def to_shell(emulator, kernel, initrd, kpti=""):
    """{cpu, rss (kB beyond RAM), ram (kB), parts}, once the shell's prompt is there."""
    with emulator.start(kernel, initrd, f"{APPEND} {kpti}") as guest:
        guest.expect("~ # ", 600)
        cpu = guest.cpu()
        rss, ram = beyond_ram(guest.process.pid)
        return {"cpu": cpu, "rss": rss, "ram": ram, "parts": parts(guest.process.pid)}
