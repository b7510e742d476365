#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCI of pseries with the unmodified ppc64el kernel and initrd of Debian's installer: ppc_pci.py YADO CASE."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boot  # noqa: E402
from boot import Failed, check  # noqa: E402
from ppc import FOLDER, KERNEL  # noqa: E402

SLOF = "/usr/share/qemu/slof.bin"  # apt-get install qemu-system-data
MODULES = ["virtio/virtio", "virtio/virtio_ring", "virtio/virtio_pci_legacy_dev", "virtio/virtio_pci_modern_dev",
           "virtio/virtio_pci", "char/hw_random/virtio-rng"]
CARD = ["net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net"]


def start(yado, options, extra=""):
    """A guest at its shell, in the folder of the modules, with the drivers loaded."""
    guest = boot.Guest(yado, ["-M", "pseries", "-m", "512", "-kernel", KERNEL, "-initrd", FOLDER + "initrd.gz",
                              "-append", "console=hvc0 rdinit=/bin/sh", "-netdev", "user,id=n", "-device",
                              "virtio-net-pci,netdev=n,addr=5" + extra, "-device", "virtio-rng" + extra, *options])
    guest.expect(boot.PROMPT, 200)
    for line in ("mount -t proc proc /proc", "mount -t sysfs sysfs /sys", "mount -t devtmpfs dev /dev", "stty cols 200",
                 "cd /lib/modules/*/kernel"):
        guest.command(line)
    for module in ["drivers/" + name for name in MODULES] + CARD:
        guest.command(f"insmod {module}.ko")
    return guest


def use(guest, resources, interrupts):
    check(guest.command("ls /sys/firmware/devicetree/base/pci@800000020000000"), "ethernet@5", "pci1af4,1005@1")
    check(guest.command("lspci -v"), "00:05.0 Ethernet controller", *resources)
    check(guest.command("head -c 4096 /dev/hwrng | wc -c"), "4096")
    guest.command("ip link set eth0 up")
    guest.command("ip addr add 10.0.2.15/24 dev eth0")
    check(guest.command("ping -c 3 10.0.2.2"), "3 packets received, 0% packet loss")
    check(guest.command("cat /proc/interrupts"), *interrupts)
    guest.send("poweroff -f\n")
    guest.ends(0, 60)


def run(yado, options, extra, *found):
    guest = start(yado, options, extra)
    try:
        use(guest, *found)
    except Failed as why:
        raise Failed(f"{why}\n{boot.tail(guest)}") from None
    finally:
        guest.close()


def case_messages(yado, _folder):
    """MSI-X, with addresses that the bridge translates."""
    run(yado, [], ",iommu_platform=on", ["Memory at 210000004000 (64-bit, prefetchable) [size=16K]"],
        ["pSeries-PCI-MSI", "virtio1-input.0"])


def case_lines(yado, _folder):
    """Shared lines, several CPUs, the interface from before version 1."""
    run(yado, ["-smp", "2"], ",vectors=0,disable-modern=on", ["I/O ports at 1080 [size=128]"], ["Level     virtio"])


def case_firmware(yado, folder):
    """SLOF finds the functions once, reads the disk and asks the network for an address."""
    image = os.path.join(folder, "disk.img")
    with open(image, "wb") as disk:
        disk.truncate(1 << 20)
    guest = boot.Guest(yado, ["-M", "pseries", "-m", "512", "-bios", SLOF, "-drive", f"file={image},format=raw,if=virtio",
                              "-nic", "user"])
    try:
        check(guest.expect("Trying to load:", 120), "1af4 1001    virtio [ block ]", "1af4 1000    virtio [ net ]")
        check(guest.expect("Not a bootable device!", 60), "/pci@800000020000000/scsi@")
        if "transfer failed" in guest.seen:
            raise Failed("the firmware cannot read the disk")
        guest.expect("Using IPv4 address: 10.0.2.15", 60)
        guest.expect("0 > ", 60)
        guest.send("dev /pci@800000020000000 ls\r")
        nodes = guest.expect(" ok", 30)
        if nodes.count("|-- ") + nodes.count("+-- ") != 2:
            raise Failed(f"not one node for each function: {nodes}")
    except Failed as why:
        raise Failed(f"{why}\n{boot.tail(guest)}") from None
    finally:
        guest.close()


CASES = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}

if __name__ == "__main__":
    boot.main(CASES)
