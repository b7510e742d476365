#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks, random bytes and consoles of real guests: virtio.py YADO CASE. The far end is this process, or another yado."""

import hashlib
import http.server
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boot  # noqa: E402
import guests  # noqa: E402
from boot import Failed, check  # noqa: E402

MODULES = ["virtio_mmio", "failover", "net_failover", "virtio_net", "virtio-rng", "virtio_console"]
MIB = 1 << 20


def data(size):
    """Bytes that are no pattern, the same for every run."""
    return b"".join(hashlib.sha256(struct.pack("<Q", i)).digest() for i in range(size // 32))


def start(yado, folder, extra):
    """A guest with its modules loaded."""
    initrd = os.path.join(folder, "virtio.gz")
    if not os.path.exists(initrd):
        guests.make_small_initrd(initrd, modules=MODULES)
    guest = boot.Guest(yado, boot.linux_args(initrd, "256") + extra)
    guest.expect(boot.PROMPT, 300)
    for line in ("mount -t proc proc /proc", "mount -t sysfs sysfs /sys", "mount -t devtmpfs dev /dev",
                 "stty -F /dev/ttyAMA0 cols 200"):
        guest.command(line if not line.startswith("stty") else "busybox " + line)
    for module in MODULES:
        guest.command(f"busybox insmod /lib/{module}.ko")
    return guest


def with_guests(body, *started):
    """Runs the body; what a guest wrote goes with a failure."""
    try:
        body(*started)
    except Failed as why:
        raise Failed("\n".join([str(why)] + [boot.tail(guest) for guest in started])) from None
    finally:
        for guest in started:
            guest.close()


def configure(guest, address):
    guest.command("busybox ip link set eth0 up")
    guest.command(f"busybox ip addr add {address}/24 dev eth0")


class Files(http.server.BaseHTTPRequestHandler):
    """Serves one file."""

    content = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args):
        pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def receive_all(connection):
    parts = []
    while part := connection.recv(MIB):
        parts.append(part)
    return b"".join(parts)


def fetch_from_guest(guest, port, size):
    """The guest serves a file of its own at port 80; we read it through the forwarded port."""
    guest.command(f"dd if=/dev/urandom of=/tmp/f bs=1024 count={size // 1024}")
    digest = guest.command("md5sum /tmp/f").split()[0]
    guest.command("busybox nc -l -p 80 -e cat /tmp/f >/dev/null &")
    for _ in range(50):  # until it listens
        with socket.create_connection(("127.0.0.1", port)) as connection:
            try:
                got = receive_all(connection)
            except ConnectionResetError:
                got = b""
        if got:
            break
        time.sleep(0.2)
    if hashlib.md5(got).hexdigest() != digest:
        raise Failed(f"the guest's file arrived damaged: {len(got)} bytes of {size}")


def send_to_host(guest, server):
    """The guest connects to this host and sends its file."""
    digest = guest.command("md5sum /tmp/f").split()[0]
    got = []
    thread = threading.Thread(target=lambda: got.append(receive_all(server.accept()[0])))
    thread.start()
    guest.command(f"busybox nc 10.0.2.2 {server.getsockname()[1]} -e cat /tmp/f", 120)
    thread.join(60)
    if not got or hashlib.md5(got[0]).hexdigest() != digest:
        raise Failed("what the guest sent arrived damaged")


def check_capture(path):
    """The capture is a pcap file with all of the frames, DHCP's request among them."""
    with open(path, "rb") as file:
        raw = file.read()
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", raw)
    if (magic, major, minor, link) != (0xA1B2C3D4, 2, 4, 1):
        raise Failed("the capture does not begin as a pcap file does")
    at, requests = 24, 0
    while at < len(raw):
        kept, size = struct.unpack_from("<8xII", raw, at)
        if kept != min(size, snap):
            raise Failed(f"the capture is damaged at byte {at}")
        frame = raw[at + 16 : at + 16 + kept]
        requests += frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[34:38] == b"\0\x44\0\x43"
        at += 16 + kept
    if not requests:
        raise Failed("the capture has no DHCP request")


def case_user(yado, folder):
    """The user network: DHCP, both directions of TCP with checksums, a forwarded port, a capture; and random bytes."""
    Files.content = data(8 * MIB)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port, capture = free_port(), os.path.join(folder, "net.pcap")

    def body(guest):
        check(guest.command("cat /sys/class/net/eth0/address"), "52:54:00:12:34:56")
        guest.command("busybox ip link set eth0 up")
        check(guest.command("busybox udhcpc -i eth0 -n -q -f -s /bin/true 2>&1"), "lease of 10.0.2.15 obtained from 10.0.2.2")
        guest.command("busybox ip addr add 10.0.2.15/24 dev eth0")
        check(guest.command("busybox ping -c 2 10.0.2.2"), "2 packets received, 0% packet loss")
        digest = hashlib.md5(Files.content).hexdigest()
        url = f"http://10.0.2.2:{server.server_address[1]}/"
        check(guest.command(f"busybox wget -q -O - {url} | md5sum", 120), digest)
        fetch_from_guest(guest, port, 4 * MIB)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            send_to_host(guest, listener)
        check(guest.command("cat /sys/class/misc/hw_random/rng_current"), "virtio_rng")
        first, second = (guest.command("head -c 4096 /dev/hwrng | md5sum").split()[0] for _ in range(2))
        if first == second:
            raise Failed("random bytes came twice")
        guest.send("\x01c")
        guest.expect("(yado) ", 10)
        guest.send("info network\n")
        guest.expect("net0: type=user, net=10.0.2.0/24, host=10.0.2.2, restrict=off, ipv6=off, link up, sent ", 10)
        guest.expect("used by virtio-net-device0", 10)
        guest.send("info usernet\n")
        guest.expect("TCP[HOST_FORWARD]", 10)
        guest.send("\x01c")
        guest.send("poweroff -f\n")
        guest.ends(0, 60)
        check_capture(capture)

    with_guests(body, start(yado, folder, [
        "-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:80", "-device", "virtio-net-device,netdev=net0",
        "-object", f"filter-dump,id=dump,netdev=net0,file={capture}", "-device", "virtio-rng-device"]))


def case_pair(yado, folder):
    """Two guests on one cable: pings both ways, a file, and what the one sees when the other is gone."""
    place = "addr.type=unix,addr.path=" + os.path.join(folder, "cable")

    def body(one, other):
        configure(one, "192.168.9.1")
        configure(other, "192.168.9.2")
        check(one.command("busybox ping -c 3 192.168.9.2"), "3 packets received, 0% packet loss")
        check(other.command("busybox ping -c 3 192.168.9.1"), "3 packets received, 0% packet loss")
        check(one.command("busybox ping -s 30000 -c 2 192.168.9.2"), "2 packets received, 0% packet loss")
        one.command("dd if=/dev/urandom of=/tmp/f bs=1024 count=4096")
        digest = one.command("md5sum /tmp/f").split()[0]
        one.command("busybox nc -l -p 80 -e cat /tmp/f &")
        check(other.command("sleep 1; busybox nc 192.168.9.1 80 </dev/null | md5sum", 120), digest)
        check(one.command("cat /sys/class/net/eth0/carrier"), "1")
        other.close()
        check(one.command("sleep 1; cat /sys/class/net/eth0/carrier"), "0")
        one.send("poweroff -f\n")
        one.ends(0, 60)

    server = start(yado, folder, ["-nic", f"stream,server=on,{place}"])
    with_guests(body, server, start(yado, folder, ["-nic", f"stream,reconnect=1,{place},mac=52:54:00:12:34:57"]))


PCI_MODULES = ["virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", *MODULES[1:]]


def case_pci(yado, folder):
    """The same devices on PCI: found, mapped and heard through messages; and through shared lines, with the old interface."""
    initrd, out = os.path.join(folder, "pci.gz"), os.path.join(folder, "out")
    guests.make_small_initrd(initrd, modules=PCI_MODULES)
    functions = {"00:01.0": "0x1005", "00:05.0": "0x1000", "00:02.0": "0x1003"}

    def body(guest, messages):
        guest.expect(boot.PROMPT, 300)
        for line in ("mount -t proc proc /proc", "mount -t sysfs sysfs /sys", "mount -t devtmpfs dev /dev",
                     "busybox stty -F /dev/ttyAMA0 cols 200"):
            guest.command(line)
        for place, device in functions.items():
            check(guest.command(f"cat /sys/bus/pci/devices/0000:{place}/device"), device)
        for module in PCI_MODULES:
            guest.command(f"busybox insmod /lib/{module}.ko" + ("" if messages or module != "virtio_pci" else " force_legacy=1"))
        configure(guest, "10.0.2.15")
        check(guest.command("busybox ping -c 2 10.0.2.2"), "2 packets received, 0% packet loss")
        check(guest.command("head -c 4096 /dev/hwrng | busybox wc -c"), "4096")
        guest.command("seq 1 20000 > /dev/vport1p1")
        lines = guest.command("cat /proc/interrupts")
        check(lines, *(["MSI", "virtio2-input.0", "virtio0-input"] if messages else ["36 Level     virtio", "37 Level     virtio1"]))
        guest.send("\x01c")
        guest.expect("(yado) ", 10)
        guest.send("info pci\n")
        guest.expect("  Bus 0, device 5, function 0: class 020000, PCI device 1af4:1000", 10)
        guest.expect("virtio-net-pci0\", bus master on, " + ("MSI-X" if messages else "INTA"), 10)
        guest.expect("BAR4: 64 bit memory at 0x", 10)
        guest.send("\x01c")
        guest.send("poweroff -f\n")
        guest.ends(0, 60)
        with open(out, "rb") as file:
            if hashlib.md5(file.read()).hexdigest() != "e071f707df7bbeee2a6a1eb48011ddd0":
                raise Failed("what was written to the port is damaged")

    for machine, vectors, messages in (("virt", "", True), ("virt,highmem=off,gic-version=3", ",vectors=0", False)):
        args = boot.linux_args(initrd, "256")
        args[args.index("-M") + 1] = machine
        guest = boot.Guest(yado, args + [
            "-device", "virtio-rng-pci" + vectors, "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,addr=5" + vectors,
            "-chardev", "file,id=c,path=" + out, "-device", "virtio-serial-pci,bus=pcie.0" + vectors,
            "-device", "virtserialport,chardev=c"])
        with_guests(lambda guest, messages=messages: body(guest, messages), guest)


CONSOLE_INIT = """#!/bin/sh
mount -t devtmpfs dev /dev
mount -t sysfs sysfs /sys
busybox insmod /lib/virtio_mmio.ko
busybox insmod /lib/virtio_console.ko
until [ -c /dev/hvc0 ]; do :; done # the driver adds it when it has heard of the port
exec sh </dev/hvc0 >/dev/hvc0 2>&1
"""


def case_console(yado, folder):
    """A shell on hvc0, with the serial port elsewhere; and a named port that leads to a file."""
    initrd, serial, line = (os.path.join(folder, name) for name in ("console.gz", "serial", "line"))
    guests.make_small_initrd(initrd, CONSOLE_INIT, MODULES)
    args = boot.linux_args(initrd, "256")
    args[-1] = "console=ttyAMA0 rdinit=/init"

    def body(guest):
        guest.expect(boot.PROMPT, 300)
        check(guest.command("echo $((6 * 7))"), "42")
        check(guest.command("seq 1 20000 | md5sum"), "e071f707df7bbeee2a6a1eb48011ddd0")
        check(guest.command("seq 1 3000"), "\r\n2999\r\n3000\r\n")
        check(guest.command("cat /sys/class/virtio-ports/vport0p1/name"), "org.example.line")
        guest.command("seq 1 20000 > /dev/vport0p1")
        guest.send("poweroff -f\n")
        guest.ends(0, 60)
        with open(line, "rb") as file:
            if hashlib.md5(file.read()).hexdigest() != "e071f707df7bbeee2a6a1eb48011ddd0":
                raise Failed("what was written to the named port is damaged")
        with open(serial, encoding="utf-8", errors="replace") as file:
            check(file.read(), "Linux version 6.1")

    with_guests(body, boot.Guest(yado, args + [
        "-serial", "file:" + serial, "-chardev", "stdio,id=con", "-chardev", f"file,id=line,path={line}",
        "-device", "virtio-serial-device", "-device", "virtconsole,chardev=con",
        "-device", "virtserialport,chardev=line,name=org.example.line"]))


CASES = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}

if __name__ == "__main__":
    boot.main(CASES)
