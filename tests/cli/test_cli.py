#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line from outside: every error text, help list and exit code. Usage: test_cli.py YADO [unittest args]."""

import fcntl
import gzip
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import guests  # noqa: E402

YADO = "yado"
SECONDS = 30


def elf(machine=183, kind=2, bits=2, data=1, paddr=0x40000000, entry=0x40000000, code=b"\x00\x00\x00\x14"):
    """An ELF executable of one segment."""
    end = "<" if data == 1 else ">"
    ident = b"\x7fELF" + bytes([bits, data, 1]) + b"\0" * 9
    head = struct.pack(end + "HHIQQQIHHHHHH", kind, machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    program = struct.pack(end + "IIQQQQQQ", 1, 5, 120, paddr, paddr, len(code), len(code), 4)
    return ident + head + program + code


def code(insns):
    return struct.pack(f"<{len(insns)}I", *insns)


class Cli(unittest.TestCase):
    """Common means: files in a folder of its own, and runs of yado."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def yado(self, *args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, seconds=SECONDS):
        return subprocess.run([YADO, *args], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=seconds,
                              text=True, check=False)

    def fails(self, status, text, *args):
        """yado ends with status, and one line of stderr has the text."""
        done = self.yado(*args)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertTrue(all(line.startswith("yado: ") for line in done.stderr.splitlines()), done.stderr)
        self.assertEqual(done.stdout, "")

    def virt(self, *args):
        return ("-M", "virt", "-serial", "null", *args)

    def kernel(self, insns, name="Image", **header):
        return self.file(name, guests.image(insns, **header))


class Pty(Cli):
    """A serial line that another program opens; what nobody reads is lost."""

    def test_serial_and_chardev(self):
        write = guests.put("a")
        kernel = self.kernel([*write, 0x14000000 | -len(write) & 0x3FFFFFF])
        for args, told in ((("-serial", "pty"), "the serial port is at "),
                           (("-serial", "null", "-chardev", "pty,id=c", "-device", "virtio-serial-device", "-device",
                             "virtconsole,chardev=c"), "serial line 'c' is at ")):
            with subprocess.Popen([YADO, "-M", "virt", "-kernel", kernel, *args], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True) as process:
                self.addCleanup(process.kill)
                line = process.stderr.readline()
                self.assertRegex(line, f"^yado: {told}/dev/pts/[0-9]+$")
                if "-device" not in args:
                    terminal = os.open(line.split()[-1], os.O_RDONLY | os.O_NOCTTY)
                    self.assertEqual(os.read(terminal, 1), b"a")
                    os.close(terminal)
                process.terminate()
                process.communicate(timeout=SECONDS)


class Usage(Cli):
    """Exit code 2."""

    def usage(self, text, *args):
        self.fails(2, text, *args)

    def test_nothing(self):
        self.usage("nothing to run")
        self.usage("no machine is given: use -M NAME", "-m", "64")
        self.usage("nothing to boot: neither a kernel (-kernel) nor firmware (-bios)", "-M", "virt")

    def test_suggestions(self):
        self.usage("no machine 'vrit'; did you mean 'virt'?", "-M", "vrit")
        self.usage("no option '-kernle'; did you mean '-kernel'?", "-kernle", "x")
        self.usage("no option '--nographics'; did you mean '-nographic'?", "--nographics")
        self.usage("no accelerator 'jti'; did you mean 'jit'?", "-accel", "jti")
        self.usage("no CPU model 'cortex-a75x'; did you mean 'cortex-a", *self.virt("-cpu", "cortex-a75x", "-kernel", "x"))
        self.usage("no serial device 'stdoi'; did you mean 'stdio'?", "-serial", "stdoi")
        self.usage("no log item 'in_as'; did you mean 'in_asm'?", "-d", "in_as")
        self.usage("no log item ''", "-d", "int,")
        self.usage("no key 'gic-verison'; did you mean 'gic-version'?", "-M", "virt,gic-verison=2", "-kernel", "x")

    def test_unknown_without_suggestion(self):
        self.usage("no option '--frobnicate'", "--frobnicate")
        self.usage("no machine 'spaceship'; there are pseries, virt", "-M", "spaceship")
        self.usage("no accelerator 'kvm'", "-accel", "kvm")

    def test_keys(self):
        self.usage("'gic-version' is given twice", "-M", "virt,gic-version=2,gic-version=2", "-kernel", "x")
        self.usage("'type' is given twice", "-M", "virt,type=virt", "-kernel", "x")
        self.usage("an empty key", "-M", "virt,,,x=1,", "-kernel", "x")
        self.usage("-accel: no key 'thread'", "-accel", "jit,thread=multi")
        self.usage("-accel: no key 'x-tbl'; did you mean 'x-tlb'?", "-accel", "jit,x-tbl=1")
        self.usage("'x-tlb' takes 1, not '2'", "-accel", "jit,x-tlb=2")
        self.usage("'x-poll' takes one of off, on, not 'o'", "-accel", "jit,x-poll=o")
        self.usage("'0' is not a whole number", "-accel", "jit,x-evict=0")
        self.usage("'x-crash' takes one of segv, assert, hang, stack, ir, not 'ill'", "-accel", "jit,x-crash=ill")
        self.usage("'host' takes one of sse2, avx2, avx512, not 'avx'", "-accel", "jit,host=avx")
        self.usage("'x-chain' is for jit; 'interp' makes no host code", "-accel", "interp,x-chain=off")
        self.usage("-accel tb-size: '0' is not a whole number from 1 to 2047", "-accel", "jit,tb-size=0")
        self.usage("-accel tb-size: '2048' is not", "-accel", "jit,tb-size=2048")
        self.usage("-accel tb-size: '1M' is not", "-accel", "jit,tb-size=1M")
        self.usage("'tier' takes 1 or 2, not '0'", "-accel", "jit,tier=0")
        self.usage("'x-regions' is for tier 2; leave out tier=1", *self.virt("-accel", "jit,tier=1,x-regions=all"))
        self.usage("tier=2 does not go with -icount: regions are found by host time", *self.virt("-icount", "shift=0", "-accel",
                                                                                            "jit,tier=2"))
        self.usage("'stats' takes one of off, on, not 'yes'", "-accel", "jit,stats=yes")
        self.usage("'tb-size' is for jit; 'interp' makes no host code", "-accel", "interp,tb-size=8")
        self.usage("-smp: no key 'coers'", *self.virt("-smp", "1,coers=2"))
        self.usage("-m: no key 'slots'", *self.virt("-m", "64,slots=2"))
        self.usage("gic-version=4 does not exist; machine 'virt' has gic-version=2, 3 and max, which is 3", "-M",
                   "virt,gic-version=4", "-kernel", "x")
        self.usage("gic-version is 2, 3 or max, not 'two'", "-M", "virt,gic-version=two", "-kernel", "x")
        self.usage("'dtb-randomness' is 'on' or 'off', not 'maybe'", "-M", "virt,dtb-randomness=maybe", "-kernel", "x")
        self.usage("CPU models have no keys yet", *self.virt("-cpu", "cortex-a57,pmu=off"))

    def test_double_comma(self):
        self.usage("no machine 'vi,rt'", "-M", "vi,,rt")

    def test_memory(self):
        self.usage("a machine needs memory", *self.virt("-m", "0"))
        self.usage("'-1' is not a size", *self.virt("-m", "-1"))
        self.usage("takes 4 MiB to 255 GiB of memory, in steps of 4 KiB, not 1 TiB", *self.virt("-m", "1T", "-kernel", "x"))
        self.usage("not 4 TiB", *self.virt("-m", "4TB", "-kernel", "x"))
        self.usage("not 1 MiB", *self.virt("-m", "1", "-kernel", "x"))
        for junk in ("", "k", "12x", "1.5", "1 G", "0x", "99999999999999999999", "99999999999T", "+5", "1GG"):
            self.usage("-m: ", *self.virt("-m", junk, "-kernel", "x"))

    def test_host_gives_no_memory(self):
        command = [YADO, *self.virt("-kernel", self.file("k", elf()))]
        done = subprocess.run(["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", *command], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=SECONDS, text=True, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("this host gives no memory for a flash of 64 MiB: File too large (it takes files of 2 MiB; see "
                      "ulimit -f)", done.stderr)

    def test_smp(self):
        self.usage("machine 'virt' has 1 to 64 CPUs, not 65", *self.virt("-smp", "65", "-kernel", "x"))
        self.usage("serves 1 to 8 CPUs, not 16; more need -M virt,gic-version=3", *self.virt("-smp", "sockets=2,clusters=2,cores=2,threads=2", "-kernel", "x"))
        self.usage("'4,sockets=3' does not come out: sockets, dies, clusters, cores and threads give 3 CPUs, not 4",
                   *self.virt("-smp", "4,sockets=3", "-kernel", "x"))
        self.usage("give 8 CPUs, not 4", *self.virt("-smp", "4,cores=4,threads=2", "-kernel", "x"))
        self.usage("maxcpus is 8, but must be cpus, 4", *self.virt("-smp", "4,maxcpus=8", "-kernel", "x"))
        self.fails(3, "cannot open kernel", "-M", "virt,gic-version=max", "-smp", "64", "-kernel", "x")
        for good in ("8", "cpus=4", "cores=2", "4,maxcpus=4,sockets=2", "maxcpus=2", "6,clusters=3,threads=2,dies=1"):
            self.fails(3, "cannot open kernel 'x'", *self.virt("-smp", good, "-kernel", "x"))
        for junk in ("0", "-1", "x", "1x", "1000", "cores=0", "threads=x", "maxcpus=-1"):
            self.usage("-smp", *self.virt("-smp", junk, "-kernel", "x"))

    def test_arguments(self):
        self.usage("-kernel: the argument is missing", "-M", "virt", "-kernel")
        self.usage("takes no argument", "--nographic=on")
        self.usage("follows after a blank", "-m=64")
        self.usage("'disk.img' does not begin with a dash", "disk.img")
        self.usage("--verify: '0' is not a whole number", "--verify=0")
        self.usage("--verify: 'x' is not a whole number", "--verify=x")
        self.usage("-serial is given twice", "-serial", "null", "-serial", "null")
        self.usage("-serial: file:", "-serial", "file:")
        self.usage("-kernel: the argument is empty", "-kernel", "")

    def test_combinations(self):
        self.usage("-initrd needs a kernel", *self.virt("-initrd", "x", "-bios", "y"))
        self.usage("-append needs a kernel", *self.virt("-append", "x", "-bios", "y"))
        self.usage("-kernel and -bios cannot be given together", *self.virt("-kernel", "x", "-bios", "y"))


class Networks(Cli):
    """What is wrong with -netdev, -nic, -chardev and -object, and hosts that refuse."""

    def usage(self, text, *args):
        self.fails(2, text, *self.virt(*args, "-kernel", self.kernel(guests.POWER_OFF)))

    def test_types_and_keys(self):
        self.usage("-netdev: no type 'usr'; did you mean 'user'?", "-netdev", "usr,id=n")
        self.usage("-nic: no type 'tap'; there are user, socket, stream, dgram, null", "-nic", "tap")
        self.usage("-chardev: no type 'stido'; did you mean 'stdio'?", "-chardev", "stido,id=c")
        self.usage("-object: no type 'rng-rnadom'; did you mean 'rng-random'?", "-object", "rng-rnadom,id=r")
        self.usage("-netdev: no key 'hostfw'; did you mean 'hostfwd'?", "-netdev", "user,id=n,hostfw=x")
        self.usage("-netdev: no key 'model'", "-netdev", "user,id=n,model=x")
        for option, kind in (("-netdev", "user"), ("-chardev", "null"), ("-object", "rng-builtin")):
            self.usage(f"{option}: the id is missing: give id=NAME", option, kind)
        self.usage("-netdev: there is a netdev 'n' already; give it another id", "-netdev", "user,id=n", "-netdev", "null,id=n")

    def test_user(self):
        self.usage("-netdev: hostfwd: 'x' is no rule; right would be tcp:ADDRESS:PORT-ADDRESS:PORT or udp:...", "-netdev",
                   "user,id=n,hostfwd=tcp::0-:22,hostfwd=x")
        self.usage("-nic: net: '10.0.2.0/33' is no network; right would be ADDRESS/BITS", "-nic", "user,net=10.0.2.0/33")
        self.usage("host: '10.9.2.2' is no address of a host in the network 10.0.2.0", "-nic", "user,host=10.9.2.2")
        self.usage("'-nic restrict' is 'on' or 'off', not 'maybe'", "-nic", "user,restrict=maybe")
        self.usage("ipv4 and ipv6 cannot both be off", "-nic", "user,ipv4=off")
        self.fails(4, "tftp: there is no directory '/nonexistent'", *self.virt("-nic", "user,tftp=/nonexistent", "-kernel", "x"))

    def test_taken_ports(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.fails(4, f"hostfwd: the host's TCP port {port} at 127.0.0.1 cannot be forwarded to the guest: Address already",
                       *self.virt("-nic", f"user,hostfwd=tcp:127.0.0.1:{port}-:22", "-kernel", "x"))
            self.fails(4, f"-netdev: cannot listen at '127.0.0.1:{port}': ", *self.virt(
                "-netdev", f"socket,id=n,listen=127.0.0.1:{port}", "-kernel", "x"))
        self.fails(4, f"-netdev: cannot connect to '127.0.0.1:{port}': ", *self.virt(
            "-netdev", f"stream,id=n,addr.type=inet,addr.host=127.0.0.1,addr.port={port}", "-kernel", "x"))

    def test_sockets(self):
        for text, value in (
            ("type socket takes one of listen, connect, mcast and udp", "socket"),
            ("'listen' and 'connect' cannot both be given", "socket,listen=:1,connect=:2"),
            ("'localaddr' does not go with 'listen'", "socket,listen=:1,localaddr=:2"),
            ("localaddr is missing: 'udp' needs it", "socket,udp=127.0.0.1:9"),
            ("'x' is no place in the network: the port is missing or no number up to 65535", "socket,connect=x"),
            ("addr.type is missing: it is inet or unix", "stream"),
            ("addr.type is missing: it is inet or unix", "stream,addr.port=1"),
            ("no addr.type 'inett'; did you mean 'inet'?", "stream,addr.type=inett"),
            ("a unix place takes addr.path=PATH alone", "stream,addr.type=unix,addr.port=1"),
            ("an inet place takes addr.host=ADDRESS and addr.port=PORT", "stream,addr.type=inet,addr.host=::1"),
            ("reconnect is for the side that connects", "stream,server=on,reconnect=1,addr.type=unix,addr.path=/x"),
            ("-netdev reconnect: '-1' is not a whole number", "stream,reconnect=-1,addr.type=unix,addr.path=/x"),
            ("remote.type is missing", "dgram,local.type=unix,local.path=/x"),
            ("datagrams to one peer need a local place", "dgram,remote.type=inet,remote.host=127.0.0.1,remote.port=9"),
        ):
            self.usage(text, "-netdev", value + ",id=n")

    def test_cards(self):
        self.usage("-nic: no key 'modle'; did you mean 'model'?", "-nic", "user,modle=x")
        self.usage("no device 'e1000'", "-nic", "user,model=e1000")
        self.usage("no device 'virtio-net-ccw': there is no channel bus yet; use 'virtio-net-device'", "-nic",
                   "user,model=virtio-net-ccw")
        self.usage("virtio-net-device.mac: '01:02:03:04:05:06' is not the address of one station", "-nic",
                   "user,mac=01:02:03:04:05:06")
        self.usage("virtio-net-device.netdev: no netdev 'n1'; did you mean 'n0'?", "-netdev", "user,id=n0", "-device",
                   "virtio-net-device,netdev=n1")
        self.usage("netdev 'n0' is used by 'a' already", "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0,id=a",
                   "-device", "virtio-net-device,netdev=n0,id=b")
        self.usage("virtio-net-device.host_mtu: '70000' is not a whole number from 0 to 65535", "-device",
                   "virtio-net-device,host_mtu=70000")

    def test_objects(self):
        self.usage("-object filter-dump: netdev is missing", "-object", "filter-dump,id=d,file=/dev/null")
        self.usage("-object filter-dump: file is missing", "-object", "filter-dump,id=d,netdev=n", "-netdev", "null,id=n")
        self.usage("-object filter-dump: no netdev 'm'; there is netw", "-object", "filter-dump,id=d,netdev=m,file=/dev/null",
                   "-netdev", "null,id=netw")
        self.usage("filename is /dev/urandom or /dev/random, not '/dev/zero'", "-object", "rng-random,id=r,filename=/dev/zero")
        self.usage("virtio-rng-device.rng: no rng 'x'; there are none", "-device", "virtio-rng-device,rng=x")
        self.fails(4, "the packet capture '/nonexistent/d' cannot be written", *self.virt(
            "-nic", "null,id=n", "-object", "filter-dump,id=d,netdev=n,file=/nonexistent/d", "-kernel", "x"))

    def test_chardevs(self):
        self.usage("-chardev file: the path is missing: give path=FILE", "-chardev", "file,id=c")
        self.usage("-chardev socket: it takes either path=FILE, or port=PORT", "-chardev", "socket,id=c")
        self.usage("-chardev socket: it takes either path=FILE, or port=PORT", "-chardev", "socket,id=c,path=/x,port=1")
        self.usage("the guest cannot wait for the peer yet; use wait=off", "-chardev", "socket,id=c,port=1,server=on,wait=on")
        self.usage("':x' is no place in the network: the port is missing", "-chardev", "socket,id=c,port=x")
        self.fails(4, "-chardev: cannot connect to 'unix:/nonexistent/s': ", *self.virt(
            "-chardev", "socket,id=c,path=/nonexistent/s", "-kernel", "x"))
        self.fails(4, "-chardev: cannot listen at 'unix:/nonexistent/s': ", *self.virt(
            "-chardev", "socket,id=c,server=on,wait=off,path=/nonexistent/s", "-kernel", "x"))

    def test_ports(self):
        self.usage("machine 'virt' has no virtio-serial slots for 'virtconsole0'", "-device", "virtconsole")
        self.usage("machine 'virt' has no free virtio-serial slot for 'b'; there are 1", "-device", "virtio-serial-device",
                   "-device", "virtserialport,nr=3,id=a", "-device", "virtserialport,nr=3,id=b")
        self.usage("virtserialport.nr: '31' is not a whole number from 1 to 30", "-device", "virtio-serial-device", "-device",
                   "virtserialport,nr=31")
        self.usage("virtconsole.chardev: no chardev 'c'; there are none", "-device", "virtio-serial-device", "-device",
                   "virtconsole,chardev=c")
        self.usage("virtserialport0: the name '" + 64 * "x" + "' is longer than 63 bytes", "-device", "virtio-serial-device",
                   "-device", "virtserialport,name=" + 64 * "x")

    def test_accepted(self):
        place = self.file("x", b"") + ".socket"
        self.fails_not("-nic", "none", "-nic", "user,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=udp:127.0.0.1:0-:53,restrict=on",
                       "-netdev", f"stream,id=a,server=on,addr.type=unix,addr.path={place}",
                       "-netdev", f"stream,id=b,reconnect=1,addr.type=unix,addr.path={place}",
                       "-device", "virtio-net-device,netdev=a", "-device", "virtio-net-device,netdev=b,mac=52:54:00:12:34:57",
                       "-object", "filter-dump,id=d,netdev=a,file=" + self.file("dump", b""),
                       "-object", "rng-random,id=r,filename=/dev/urandom", "-device", "virtio-rng-device,rng=r",
                       "-chardev", "null,id=c", "-device", "virtio-serial-device", "-device", "virtconsole,chardev=c")

    def test_unused(self):
        done = self.yado(*self.virt("-netdev", "null,id=n", "-kernel", self.kernel(guests.POWER_OFF)))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "yado: no device is connected to the network 'n'\n"
                                      "yado: hint: give one with -device virtio-net-device,netdev=n\n")

    def fails_not(self, *args):
        done = self.yado(*self.virt(*args, "-kernel", self.kernel(guests.POWER_OFF)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Help(Cli):
    """The lists, on standard output, with exit code 0."""

    def lists(self, args, *words):
        done = self.yado(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in words:
            self.assertIn(word, done.stdout)

    def test_lists(self):
        self.lists(["--help"], "-kernel FILE", "-nographic", "-verify[=N]", "Exit codes")
        self.lists(["-h"], "usage: yado")
        self.lists(["-M", "help"], "virt")
        self.lists(["-machine", "help"], "virt")
        self.lists(["-M", "virt,help"], "gic-version", "dtb-randomness")
        self.lists(["-cpu", "help"], "cortex-a57 (default)", "cortex-a53", "max")
        self.lists(["-accel", "help"], "jit", "interp", "tcg", "tb-size=MIB", "tier=1", "stats=on", "x-evict=N")
        self.lists(["-serial", "help"], "stdio", "mon:stdio", "file:PATH", "pty", "null")
        self.lists(["-d", "help"], "in_asm", "guest_errors", "nochain")
        self.lists(["-netdev", "help"], "user", "stream")
        self.lists(["-nic", "help"], "user", "null")
        self.lists(["-netdev", "user,help"], "hostfwd", "restrict", "id")
        self.lists(["-object", "help"], "filter-dump", "rng-random")
        self.lists(["-object", "filter-dump,help"], "netdev", "maxlen")
        self.lists(["-chardev", "help"], "stdio", "file")
        self.lists(["-device", "virtio-net-device,help"], "netdev=ID", "mac=MAC", "host_mtu=N")
        self.lists(["--version"], "yado 0.")
        self.lists(["-version"], "yado 0.")

    def test_full_output(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = self.yado("--help", stdout=full)
        self.assertEqual(done.returncode, 4)
        self.assertIn("cannot write to standard output: No space left", done.stderr)


class Images(Cli):
    """Exit code 3: files that are not what they should be."""

    def image(self, text, *args):
        self.fails(3, text, *self.virt(*args))

    def test_missing(self):
        for what, option in (("kernel", "-kernel"), ("firmware", "-bios")):
            self.image(f"cannot open {what} '/nonexistent/x': No such file", option, "/nonexistent/x")
        self.image("cannot open initrd", "-kernel", self.kernel(guests.POWER_OFF), "-initrd", "/nonexistent/x")
        self.image("cannot open device tree", "-kernel", self.kernel(guests.POWER_OFF), "-dtb", "/nonexistent/x")

    def test_empty_and_directory(self):
        empty = self.file("empty", b"")
        good = self.kernel(guests.POWER_OFF)
        self.image("' is empty", "-kernel", empty)
        self.image("' is empty", "-bios", empty)
        self.image("' is empty", "-kernel", good, "-initrd", empty)
        self.image("' is a directory", "-kernel", self.folder)
        self.image("' is a directory", "-bios", self.folder)
        self.image("' is a directory", "-kernel", good, "-initrd", self.folder)
        self.image("is not a regular file", "-kernel", "/dev/null")

    def test_other_kinds(self):
        for text, content in (
            ("is a text file", b"#!/bin/sh\necho hello\n" * 10),
            ("is an ELF file for x86-64", elf(machine=62)),
            ("is an ELF file for 32-bit Arm", elf(machine=40, bits=1)),
            ("is an ELF file for PowerPC (64-bit)", elf(machine=21, data=2)),
            ("is an ELF file for a machine that is not known here", elf(machine=9999)),
            ("is an ELF file for AArch64; this machine runs little-endian", elf(data=2)),
            ("not an executable at fixed addresses", elf(kind=3)),
            ("is a gzip file of a text file", gzip.compress(b"some text\n" * 50)),
            ("is a gzip file that is damaged or cut off", gzip.compress(os.urandom(5000))[:3000]),
            ("is a gzip file with nothing in it", gzip.compress(b"")),
            ("is an xz file", b"\xfd7zXZ\0" + b"\0" * 100),
            ("is a Linux kernel for x86 (bzImage)", b"\0" * 0x202 + b"HdrS" + b"\0" * 600),
            ("is a cpio archive (to be given with -initrd)", b"070701" + b"0" * 200),
            ("lacks the magic number", b"\x01\x02\x03\x04" * 100),
            ("lacks the magic number", guests.image(guests.POWER_OFF, magic=b"ARMe")),
            ("is big-endian", guests.image(guests.POWER_OFF, flags=1)),
        ):
            with self.subTest(text):
                self.image(text, "-kernel", self.file("kernel", content))

    def test_damaged_elf(self):
        whole = elf()
        self.image("a segment lies outside it", "-kernel", self.file("cut", whole[:-2]))
        self.image("program headers lie outside it", "-kernel", self.file("cut2", whole[:100]))
        self.image("entry point lies in none", "-kernel", self.file("entry", elf(entry=0x1000)))
        self.image("does not fit into memory", "-kernel", self.file("low", elf(paddr=0x1000, entry=0x1000)))

    def test_too_large(self):
        kernel = self.kernel(guests.POWER_OFF, image_size=12 << 20)
        initrd = self.file("initrd", b"\1" * (6 << 20))
        self.image("kernel (12.0 MiB), initrd (6.0 MiB) and device tree (0.0 MiB) do not fit into memory: they need 18.0 MiB, "
                   "the machine has 16 MiB", "-m", "16", "-kernel", kernel, "-initrd", initrd)
        self.image("does not fit into memory: it needs 12.0 MiB", "-m", "8", "-kernel", kernel)
        huge = self.kernel(guests.POWER_OFF, "huge", image_size=1 << 63, text_offset=1 << 63)
        self.image("does not fit into memory", "-kernel", huge)
        bomb = self.file("bomb.gz", gzip.compress(b"\0" * (20 << 20)))
        self.image("with more in it than the memory of 16 MiB", "-m", "16", "-kernel", bomb)
        self.image("larger (64.0 MiB) than the flash (64 MiB)", "-bios", self.file("bios", b"\1" * ((64 << 20) + 1)))

    def test_device_tree(self):
        kernel = self.kernel(guests.POWER_OFF)
        self.image("does not begin with the magic number", "-kernel", kernel, "-dtb", self.file("text", b"/dts-v1/;\n" * 20))
        cut = struct.pack(">10I", 0xD00DFEED, 4096, 56, 72, 40, 17, 16, 0, 0, 16)
        self.image("it is cut off", "-kernel", kernel, "-dtb", self.file("cut", cut + b"\0" * 100))
        damaged = struct.pack(">10I", 0xD00DFEED, 140, 56, 72, 40, 17, 16, 0, 0, 16)
        self.image("its structure is damaged", "-kernel", kernel, "-dtb", self.file("bad", damaged + b"\xff" * 100))

    def test_firmware_kinds(self):
        self.image("is an ELF file for AArch64, not a raw image", "-bios", self.file("elf", elf()))
        self.image("is a text file, not a raw image", "-bios", self.file("text", b"hello\n" * 30))


class Host(Cli):
    """Exit code 4: what the host lacks."""

    def test_files(self):
        kernel = self.kernel(guests.POWER_OFF)
        self.fails(4, "/nonexistent/log", *self.virt("-kernel", kernel, "-D", "/nonexistent/log"))
        self.fails(4, "/nonexistent/out", "-M", "virt", "-kernel", kernel, "-serial", "file:/nonexistent/out")


class Guests(Cli):
    """Programs of a few insns: what comes out, and how yado ends."""

    def runs(self, insns, *args, status=0, accel="jit", **how):
        done = self.yado("-M", "virt", "-accel", accel, "-kernel", self.kernel(insns), *args, **how)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_power_off(self):
        for accel in ("jit", "interp", "tcg"):
            done = self.runs(guests.put("hi\n") + guests.POWER_OFF, "-nographic", accel=accel)
            self.assertEqual((done.stdout, done.stderr), ("hi\n", ""))

    def test_counters(self):
        program = guests.put("hi\n") + guests.POWER_OFF
        done = self.runs(program, "-nographic", accel="jit,stats=on,tb-size=3,tier=1")
        self.assertEqual(done.stdout, "hi\n")
        self.assertEqual(done.stderr.splitlines()[0], "yado: counters of the translator:")
        rows = dict(re.match(r"(.*?) +([\d.]+)$", line).groups() for line in done.stderr.splitlines()[1:])
        self.assertEqual(rows["bytes of code memory"], str(3 << 20))
        self.assertGreaterEqual(int(rows["guest insns in them"]), len(program) - 1)  # all but the loop behind the end
        self.assertEqual(rows["exits by waiting"], "0")
        for name in ("blocks translated", "bytes of it in use", "ns in the front end", "ns in passes", "ns making host code",
                     "TLB level 1: left to C", "TLB level 2: hits", "TLB walks"):
            self.assertGreater(int(rows[name]), 0, name)
        self.assertGreater(float(rows["host bytes per guest insn"]), float(rows["host insns per guest insn"]))
        self.assertGreater(float(rows["host insns per guest insn"]), 1)
        self.assertEqual(self.runs(program, "-nographic", accel="jit,stats=off").stderr, "")

    def test_dashes_and_spellings(self):
        for args in (["--nographic", "--m", "64M"], ["-serial", "stdio", "-m", "size=1G"], ["-nographic", "-smp", "cpus=1"],
                     ["-nographic", "-m", "4", "-m", "65536k"], ["-nographic", "-no-reboot", "-append", "a,b=c"]):
            done = self.runs(guests.put("x") + guests.POWER_OFF, *args)
            self.assertEqual(done.stdout, "x", args)

    def test_elf_and_gzip(self):
        program = elf(code=code(guests.put("elf") + guests.POWER_OFF))
        packed = gzip.compress(guests.image(guests.put("zip") + guests.POWER_OFF))
        for name, content, text in (("elf", program, "elf"), ("gz", packed, "zip")):
            done = self.yado("-M", "virt", "-nographic", "-kernel", self.file(name, content))
            self.assertEqual((done.returncode, done.stdout), (0, text), done.stderr)

    def test_firmware(self):
        bios = self.file("bios", code(guests.put("rom") + guests.POWER_OFF))
        done = self.yado("-M", "virt", "-nographic", "-bios", bios)
        self.assertEqual((done.returncode, done.stdout), (0, "rom"), done.stderr)

    def test_serial_file(self):
        path = os.path.join(self.folder, "out")
        self.runs(guests.put("to file") + guests.POWER_OFF, "-serial", "file:" + path)
        with open(path, encoding="ascii") as out:
            self.assertEqual(out.read(), "to file")

    def test_no_console(self):
        done = self.runs(guests.put("x") + guests.POWER_OFF)
        self.assertIn("no console is configured", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_reset(self):
        done = self.runs(guests.put("r") + guests.RESET, "-nographic", "-no-reboot")
        self.assertEqual(done.stdout, "r")

    def test_reset_starts_again(self):
        # Counts in a word of memory that no image covers: resets until it is 3.
        count = [guests.movz(3, 0x4040, 16), 0xB9400064, 0x11000484, 0xB9000064]  # ldr w4,[x3]; add w4,w4,#1; str w4,[x3]
        until = [0x71000C9F, 0x54000000 | 5 << 5]                                 # cmp w4,#3; b.eq past the reset
        done = self.runs(count + guests.put("r") + until + guests.RESET + guests.POWER_OFF, "-nographic")
        self.assertEqual(done.stdout, "rrr")

    def test_semihosting(self):
        self.runs(guests.semihosting_exit(0), "-nographic", "-semihosting")
        done = self.runs(guests.semihosting_exit(42), "-nographic", "-semihosting", status=42)
        self.assertIn("exit code 42 (semihosting)", done.stderr)

    def test_verify(self):
        done = self.runs(guests.put("v") + guests.POWER_OFF, "-nographic", "--verify")
        self.assertEqual(done.stdout, "v")
        self.assertIn("runs of blocks agreed", done.stderr)

    def test_closed_stdin(self):
        line = f'exec "{YADO}" -M virt -nographic -kernel "{self.kernel(guests.put("ok") + guests.POWER_OFF)}" <&-'
        done = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, timeout=SECONDS, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "ok"))

    def test_full_stdout(self):
        insns = guests.put("x") + [0x17FFFFFF]  # b .-4: writes for ever
        with open("/dev/full", "w", encoding="ascii") as full:
            done = self.runs(insns, "-nographic", status=4, stdout=full)
        self.assertIn("No space left", done.stderr)

    def test_closed_reader(self):
        insns = guests.put("x") + [0x17FFFFFF]
        process = subprocess.Popen([YADO, "-M", "virt", "-nographic", "-kernel", self.kernel(insns)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.wait(SECONDS), 4)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = subprocess.Popen([YADO, "-M", "virt", "-nographic", "-kernel", self.kernel(guests.put("x") + [guests.LOOP])],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with process:
                self.assertEqual(process.stdout.read(1), b"x")
                process.send_signal(number)
                self.assertEqual(process.wait(SECONDS), 128 + number)


class Terminal(Cli):
    """On a terminal: raw while the guest runs, as before afterwards, whatever ends yado."""

    def start(self, insns, *args, env=None):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        before = termios.tcgetattr(slave)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([YADO, "-M", "virt", "-kernel", self.kernel(insns), *args], stdin=slave, stdout=slave,
                                   stderr=slave, preexec_fn=own_terminal, env=env)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process, master, slave, before

    def wait_raw(self, slave):
        end = time.monotonic() + SECONDS
        while termios.tcgetattr(slave)[3] & termios.ICANON:
            self.assertLess(time.monotonic(), end, "the terminal never became raw")
            time.sleep(0.02)

    def ends(self, started, status):
        process, _, slave, before = started
        self.assertEqual(process.wait(SECONDS), status)
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(slave)

    def test_quit(self):
        started = self.start([guests.LOOP], "-nographic")
        self.wait_raw(started[2])
        os.write(started[1], b"\x01x")
        self.ends(started, 0)

    def test_power_off(self):
        self.ends(self.start(guests.put("bye") + guests.POWER_OFF, "-nographic"), 0)

    def test_interrupt(self):
        started = self.start([guests.LOOP], "-serial", "stdio")
        self.wait_raw(started[2])
        os.write(started[1], b"\x03")
        self.ends(started, 130)

    def test_signal(self):
        started = self.start([guests.LOOP], "-nographic")
        self.wait_raw(started[2])
        started[0].send_signal(signal.SIGTERM)
        self.ends(started, 143)

    def test_bug(self):
        environment = {**os.environ, "XDG_STATE_HOME": self.folder}
        self.ends(self.start(guests.put("x") + [guests.LOOP], "-nographic", "-accel", "jit,x-crash=segv", env=environment), 70)


class Bug(Cli):
    """Exit code 70: a fault of yado's own, put in by x-crash, leaves a report; and what hangs is told."""

    def start(self, crash, *args, **environment):
        folders = {"XDG_STATE_HOME": self.folder + "/state", "TMPDIR": self.folder + "/tmp"}
        kernel = self.kernel(guests.put("x") + [guests.LOOP])
        command = [YADO, "-M", "virt", "-serial", "stdio", "-accel", "jit,x-crash=" + crash, "-kernel", kernel, *args]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, **folders, **environment})

    def ends(self, process):
        """What it has written to stderr."""
        text = process.communicate(timeout=SECONDS)[1]
        self.assertEqual(process.returncode, 70, text)
        self.assertIn("yado: internal error: this is a bug in yado, not in the guest: ", text)
        return text

    def report(self, folder, text):
        """The text of the one report in the folder."""
        names = os.listdir(os.path.join(self.folder, folder))
        self.assertEqual(len(names), 1)
        path = os.path.join(self.folder, folder, names[0])
        self.assertIn("yado: hint: a report for its authors is in " + path, text)
        with open(path, encoding="utf-8") as report:
            return report.read()

    def test_segv(self):
        text = self.ends(self.start("segv", "-m", "64M"))
        self.assertIn("not in the guest: SIGSEGV at 0x40\n", text)
        report = self.report("state/yado", text)
        for wanted in ("yado 0.", f"command: {YADO} -M virt -serial stdio -accel jit,x-crash=segv -kernel ", " -m 64M\n",
                       "failed: SIGSEGV at 0x40\n", "host stack:\n", "vcpu_thread", "cpu 0: pc 0x4", " rip 0x", " x30 0x",
                       "CurrentEL 0x4", "IR of the block that was translated last", "jump"):
            self.assertIn(wanted, report)

    def test_stack(self):
        report = self.report("state/yado", self.ends(self.start("stack")))
        self.assertRegex(report, r"(?s)failed: SIGSEGV at 0x[0-9a-f]+\n.*host stack:\n.*cpu 0: pc 0x4")

    def test_assert(self):
        text = self.ends(self.start("assert"))
        report = self.report("state/yado", text)
        self.assertRegex(report, "failed: SIGABRT: ERROR:.*watch.c:.*put in by x-crash=assert")

    def test_ir(self):
        report = self.report("state/yado", self.ends(self.start("ir", "--verify")))
        self.assertRegex(report, "failed: SIGABRT: ERROR:.*tb.c:.*: invalid IR: node ")
        self.assertIn("\ninsn 0 ", report)

    def test_second_place(self):
        self.file("state", b"a file, no folder")
        text = self.ends(self.start("segv"))
        self.assertIn("failed: SIGSEGV", self.report("tmp", text))

    def test_no_place(self):
        self.file("state", b"")
        self.file("tmp", b"")
        text = self.ends(self.start("segv"))
        self.assertIn(f"hint: no report could be written to {self.folder}/state/yado/yado-bug-", text)

    def test_hang(self):
        with self.start("hang") as process:
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.read(1), "x")
            time.sleep(0.5)  # it hangs a few insns later
            process.send_signal(signal.SIGTERM)
            seen = ""
            while "yado: hint: this is a bug in yado" not in seen:
                line = process.stderr.readline()
                self.assertTrue(line, seen)
                seen += line
            self.assertRegex(seen, r"yado: watchdog: cpu 0 hangs: for 5 s of its CPU time it has not looked at a request "
                                   r"\(to stop\); guest pc 0x4[0-9a-f]*")
            self.assertIn(f"'kill -ABRT {process.pid}' ends it", seen)
            process.send_signal(signal.SIGABRT)
            text = self.ends(process)
            self.assertIn(f"SIGABRT, sent by process {os.getpid()}\n", text)
            self.assertIn("a request is pending", self.report("state/yado", text))


if __name__ == "__main__":
    YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
