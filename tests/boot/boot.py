#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots unmodified operating systems and talks to them: boot.py YADO CASE. A guest that is missing is a failure."""

import hashlib
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guests  # noqa: E402 (it finds tools/)
from disk import demo, image
from disk.systems import ARM64  # noqa: E402

PROMPT = " # \x1b[6n"  # busybox asks the terminal where its cursor is


class Failed(Exception):
    """What the guest did is not what the test expects."""


class Guest:
    """A yado process whose console is a pair of pipes."""

    def __init__(self, yado, args):
        self.args = [yado, "-nographic"] + args
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        self.seen = ""  # everything so far
        self.mark = 0   # where the next expect begins to look

    def expect(self, text, seconds):
        """Waits until text comes; returns what came before it."""
        end = time.monotonic() + seconds
        while True:
            at = self.seen.find(text, self.mark)
            if at >= 0:
                before = self.seen[self.mark:at]
                self.mark = at + len(text)
                return before
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"no '{text}' within {seconds} s")
            if select.select([self.process.stdout], [], [], min(left, 1))[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    raise Failed(f"ended with {self.process.wait()} in front of '{text}'")
                self.seen += data.decode("utf-8", "replace")

    def send(self, text):
        self.process.stdin.write(text.encode())

    def command(self, line, seconds=60):
        """Runs a command in the guest's shell; returns what it writes."""
        self.send(line + "\n")
        self.expect(line, seconds)
        return self.expect(PROMPT, seconds)

    def ends(self, code, seconds):
        try:
            got = self.process.communicate(timeout=seconds)  # its standard output and error
        except subprocess.TimeoutExpired:
            raise Failed(f"still running after {seconds} s") from None
        self.seen += got[0].decode("utf-8", "replace")
        if self.process.returncode != code:
            raise Failed(f"exit code {self.process.returncode}, not {code}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def check(text, *wanted):
    for word in wanted:
        if word not in text:
            raise Failed(f"'{word}' is not in what the guest wrote: {text!r}")


def use_shell(guest):
    """Commands whose answers are known."""
    check(guest.command("uname -a"), "Linux", "aarch64", "Debian")
    guest.command("mount -t proc proc /proc")
    check(guest.command("cat /proc/cpuinfo"), "processor\t: 0", "CPU implementer\t: 0x", "asimd")
    check(guest.command("cat /proc/interrupts"), "arch_timer", "uart-pl011")
    check(guest.command("echo $((1234567 * 7654321))"), "9449772114007")
    check(guest.command("seq 1 20000 | md5sum"), "e071f707df7bbeee2a6a1eb48011ddd0")


def linux_args(initrd, memory, cpu="cortex-a57", gic="2"):
    return ["-M", "virt,gic-version=" + gic, "-cpu", cpu, "-m", memory, "-kernel", guests.need(guests.KERNEL),
            "-initrd", initrd, "-append", "console=ttyAMA0 rdinit=/bin/sh"]


def run_linux(yado, initrd, memory, extra, seconds, cpu="cortex-a57", gic="2"):
    guest = Guest(yado, linux_args(initrd, memory, cpu, gic) + extra)
    try:
        guest.expect("Linux version 6.1", seconds)
        guest.expect(PROMPT, seconds)
        use_shell(guest)
        check(guest.command("cat /proc/interrupts"), "GICv3" if gic == "3" else "GIC-0")
        guest.send("poweroff -f\n")
        guest.ends(0, 60)
        return guest.seen
    except Failed as why:
        raise Failed(f"{why}\n{tail(guest)}") from None
    finally:
        guest.close()


def tail(guest):
    lines = guest.seen.splitlines()
    report = [i for i, line in enumerate(lines) if "yado: " in line]
    return "\n".join(["command: " + " ".join(guest.args), "last lines:"] + lines[min(report + [len(lines)]) - 25:])


def case_installer(yado, _folder):
    """The installer's kernel and full initrd, translated."""
    run_linux(yado, guests.need(guests.INITRD), "1024", [], 240)


def case_small(yado, folder):
    """The same kernel with a small initrd, translated."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    run_linux(yado, initrd, "256", [], 120)


def case_models(yado, folder):
    """The same on the other CPU models."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    for cpu in ("cortex-a53", "cortex-a72", "max"):
        run_linux(yado, initrd, "256", [], 120, cpu)


def case_gicv3(yado, folder):
    """The same with a GICv3, translated and compared."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    for extra in ([], ["--verify=64"]):
        run_linux(yado, initrd, "256", extra, 900, "cortex-a72", "3")
    seen = run_linux(yado, initrd, "256", ["-smp", "20"], 300, "cortex-a72", "3")  # in two clusters
    check(seen, "SMP: Total of 20 processors activated", "CPU19: Booted secondary processor 0x0000000103")


def case_interp(yado, folder):
    """The same, interpreted."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    run_linux(yado, initrd, "256", ["-accel", "interp"], 900)


def case_verify(yado, folder):
    """The same, every block compared with the interpreter; time from insns, so that a difference can be seen again."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    seen = run_linux(yado, initrd, "256", ["--verify", "-icount", "shift=3"], 1200)
    check_verified(seen, 85 * 10**6)


def check_verified(seen, least):
    found = re.search(r"--verify: (\d+) runs of blocks agreed", seen)
    if not found or int(found[1]) < least:
        raise Failed(f"too few comparisons: {seen[-500:]!r}")


def case_found(yado, folder):
    """A wrong rule shows millions of blocks into the boot, and by the command in the report once more, alike."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    guest = Guest(yado, linux_args(initrd, "256") + ["--verify", "-icount", "shift=3", "-accel", "jit,x-break=umulh:smulh"])
    try:
        guest.ends(8, 900)
    finally:
        guest.close()
    command = re.search(r"^To see it again: (.+)$", guest.seen, re.M)
    again = subprocess.run(["sh", "-c", command[1]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=900, check=False)
    reports = [text[text.index("verify: "):text.index("\nHost code:")] for text in (guest.seen, again.stderr.decode())]
    if again.returncode != 8 or reports[0] != reports[1]:
        raise Failed(f"it is not the same again: {reports[0][:300]} ... {reports[1][:300]}")
    if int(re.search(r"comparison (\d+)", reports[0])[1]) < 10**6:
        raise Failed(f"it is found too early: {reports[0][:300]}")


def case_verify_all(yado, _folder):
    """On demand: the installer's kernel and full initrd, every block compared. Some minutes on an idle CPU."""
    seen = run_linux(yado, guests.need(guests.INITRD), "1024", ["--verify"], 3600)
    check_verified(seen, 4 * 10**8)


def case_forced(yado, folder):
    """The same in each forced mode, without and with comparisons."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    for mode in ("x-tlb=1", "x-evict=20000", "x-poll=on", "x-chain=off", "x-merge=off", "x-runs=on", "x-regions=all", "x-pins=own", "host=sse2"):
        for verify in ([], ["--verify=64"]):
            run_linux(yado, initrd, "256", ["-accel", "jit," + mode] + verify, 900)


def case_regions(yado, folder):
    """The same with every block a region, and on two CPUs with those that tier 2 makes by itself; compared by samples."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    seen = run_linux(yado, initrd, "256", ["-accel", "jit,x-regions=all", "--verify=32"], 600)
    check_verified(seen, 10**6)
    seen = run_linux(yado, initrd, "256", ["--verify=64", "-smp", "2"], 600)
    check_verified(seen, 5 * 10**5)


def case_reboot(yado, folder):
    """A reboot under -no-reboot ends; without, the kernel starts again."""
    initrd = os.path.join(folder, "small.gz")
    guests.make_small_initrd(initrd)
    guest = Guest(yado, linux_args(initrd, "256"))
    try:
        guest.expect(PROMPT, 120)
        guest.send("reboot -f\n")
        guest.expect("Linux version 6.1", 60)
        guest.expect(PROMPT, 120)
        guest.send("\x01x")
        guest.ends(0, 30)
    except Failed as why:
        raise Failed(f"{why}\n{tail(guest)}") from None
    finally:
        guest.close()


def case_uboot(yado, _folder):
    """U-Boot to its prompt."""
    guest = Guest(yado, ["-M", "virt,gic-version=2", "-cpu", "cortex-a57", "-m", "512", "-bios", guests.need(guests.UBOOT)])
    try:
        guest.expect("U-Boot 20", 60)
        guest.expect("autoboot", 60)
        guest.send("\n")
        guest.expect("=> ", 120)
        guest.send("printenv board\n")
        guest.expect("board=qemu-arm", 30)
        guest.send("poweroff\n")
        guest.ends(0, 30)
    except Failed as why:
        raise Failed(f"{why}\n{tail(guest)}") from None
    finally:
        guest.close()


def open_uboot(yado, image, device):
    """U-Boot at its prompt, with a disk."""
    guest = Guest(yado, ["-M", "virt", "-m", "256", "-bios", guests.need(guests.UBOOT), "-drive",
                         f"file={image},format=raw,id=d0,werror=stop,if=none", "-device", device + ",drive=d0"])
    stop_autoboot(guest)
    return guest


def stop_autoboot(guest):
    guest.expect("autoboot", 60)
    guest.send("\n")
    guest.expect("\n=> ", 60)


def uboot(guest, *lines):
    """Gives U-Boot commands; returns what the last one writes."""
    answer = ""
    for line in lines:
        guest.send(line + "\n")
        guest.expect(line, 30)
        answer = guest.expect("\n=> ", 60)
    return answer


def use_uboot_disk(guest, image):
    """What is written is there after a reset, and in the image."""
    content = b"\x5a" * 0x4000
    crc = f"{zlib.crc32(content):08x}"
    check(uboot(guest, "virtio scan", "virtio info"), "Capacity: 1.0 MB", "(2048 x 512)")
    check(uboot(guest, "mw.b 44000000 5a 4000", "virtio write 44000000 8 20"), "32 blocks written: OK")
    check(uboot(guest, "mw.b 44000000 0 4000", "virtio read 44000000 8 20", "crc32 44000000 4000"), crc)
    guest.send("reset\n")
    guest.expect("U-Boot 20", 60)
    stop_autoboot(guest)
    check(uboot(guest, "mw.b 44000000 0 4000", "virtio scan", "virtio read 44000000 8 20", "crc32 44000000 4000"), crc)
    with open(image, "rb") as disk:
        disk.seek(8 * 512)
        if disk.read(0x4000) != content:
            raise Failed("the image does not hold what was written")


def fill_host(guest):
    """A write that the host refuses pauses the machine, and is done when the host takes it again."""
    resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (512 << 10, resource.RLIM_INFINITY))
    guest.send("virtio write 44000000 700 8\n")
    guest.expect("drive 'd0': cannot write to '", 60)
    guest.expect("File too large; the machine is paused", 60)
    guest.expect("tries again, and nothing is lost", 60)
    guest.send("\x01cinfo status\n")
    guest.expect("VM status: paused", 60)
    guest.send("cont\n")  # for nothing
    guest.expect("the machine is paused", 60)
    resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    guest.send("cont\n")
    guest.expect("8 blocks written: OK", 60)
    guest.send("\x01c")
    check(uboot(guest, "mw.b 44100000 0 1000", "virtio read 44100000 700 8", "crc32 44100000 1000"),
          f"{zlib.crc32(bytes([0x5a]) * 0x1000):08x}")


def case_uboot_disk(yado, folder):
    """U-Boot reads and writes a disk, by the interface of today and the one before; the host is full for a while."""
    for device in ("virtio-blk-device", "virtio-blk-device,force-legacy=on", "virtio-blk-pci,addr=5",
                   "virtio-blk-pci,disable-modern=on"):
        image_path = os.path.join(folder, "disk.img")
        with open(image_path, "wb") as disk:
            disk.truncate(1 << 20)
        guest = open_uboot(yado, image_path, device)
        try:
            use_uboot_disk(guest, image_path)
            fill_host(guest)
            guest.send("poweroff\n")
            guest.ends(0, 30)
        except Failed as why:
            raise Failed(f"{why}\n{tail(guest)}") from None
        finally:
            guest.close()


def run_disk(yado, folder, lines):
    """Boots small.img in folder to a shell on it, runs the lines, puts the disk to rest; returns the answers."""
    guest = Guest(yado, demo.command(yado, folder, "small.img", init="/bin/sh")[1:])
    try:
        guest.expect("/ # \x1b[6n", 120)
        guest.command("busybox mount -t proc proc /proc")  # lines are short: longer ones come back in pieces
        guest.command("busybox mount -o remount,rw /")
        check(guest.command("busybox cat /proc/mounts"), "/dev/vda / ext4 rw")
        answers = [guest.command(line) for line in lines]
        guest.command("busybox mount -o remount,ro /")
        guest.send("busybox poweroff -f\n")
        guest.ends(0, 60)
        return answers
    except Failed as why:
        raise Failed(f"{why}\n{tail(guest)}") from None
    finally:
        guest.close()


def case_disk(yado, folder):
    """Debian's kernel from an initial RAM disk to a root file system on a virtio disk, which keeps what is written."""
    kept = os.path.join(os.path.dirname(demo.default_folder()), "arm64-small")
    os.makedirs(kept, exist_ok=True)
    if not os.path.exists(os.path.join(kept, "small.img")):
        try:
            with open(os.path.join(kept, "image.log"), "wb") as log:
                image.make("small", ARM64, kept, log)
        except image.Failed as why:
            raise Failed(f"{why}; see {kept}/image.log") from None
    for name in ("vmlinuz", "initrd.gz", "small.img"):
        shutil.copy(os.path.join(kept, name), folder)
    wanted = hashlib.md5("".join(f"{n}\n" for n in range(1, 500001)).encode()).hexdigest()
    wrote = run_disk(yado, folder, ["busybox seq 1 500000 > /numbers", "busybox md5sum /numbers", "busybox sync"])
    read = run_disk(yado, folder, ["busybox md5sum /numbers"])
    check(wrote[1], wanted)
    check(read[0], wanted)
    checked = subprocess.run(["/sbin/e2fsck", "-fn", os.path.join(folder, "small.img")], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
    if checked.returncode != 0:
        raise Failed(f"the guest has left a broken file system:\n{checked.stdout}")


CASES = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}


def main(cases):
    if len(sys.argv) != 3 or sys.argv[2] not in cases:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} YADO {'|'.join(cases)}")
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        try:
            cases[sys.argv[2]](sys.argv[1], folder)
        except (Failed, guests.Missing) as why:
            sys.exit(f"{sys.argv[2]}: {why}")
        print(f"{sys.argv[2]}: {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main(CASES)
