# SPDX-License-Identifier: MIT
"""Makes a disk with an unpacked Debian 12, and the kernel and initial RAM disk to start it with.

The packages come from where this machine's own packages come from; no code of theirs runs here. The file owners are
right only for root or under fakeroot: see make().
"""

import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cpio import write_initrd  # noqa: E402
from disk import dpkg_state  # noqa: E402
from disk.systems import SYSTEMS  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
RELEASE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SIZE = "4G"
# Besides the essential packages.
PACKAGES = """apt init systemd-sysv udev kmod dbus usr-is-merged e2fsprogs login openssh-server gcc libc6-dev make git
    python3 busybox-static iproute2 iputils-ping netbase procps less nano wget bzip2 xz-utils""".split()
# What a disk and its file system need, with what these need.
MODULES = ["virtio_mmio", "virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]
SSHD = "PermitRootLogin yes\n"
NETWORK = "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n"


class Failed(Exception):
    """What went wrong, and what to do about it."""


def run(what, command, **options):
    """Runs a command, its output into the log that options name; what: for the message when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{what} failed: '{command[0]}' ended with {done.returncode}")
    return done


def sources():
    """The package sources of this machine that hold Debian 12, as lines of a sources.list."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI) $(RELEASE) $(COMPONENT)",
                             "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=False).stdout
    lines = set()
    for line in listed.splitlines():
        words = line.split()
        if len(words) == 5 and words[0] == "Debian" and words[1].split("-")[0] == RELEASE and words[4] == "main":
            lines.add(f"deb [signed-by={KEYRING}] {words[2]} {words[3]} main")
    if not lines:
        raise Failed(f"apt on this machine knows no source of Debian 12 ('{RELEASE}'): add one to /etc/apt/sources.list, "
                     "run 'apt-get update', then this again")
    return sorted(lines)


def unpack(system, folder, log, packages):
    """Unpacks the packages, with what they need, into folder/root and the kernel's package over them; folder is made
    anew. Where a source of updates cannot be read, as while a mirror fetches it, the release alone must do."""
    every = sources()
    release = [line for line in every if line.endswith(f" {RELEASE} main")]
    try:
        return unpack_from(every, system, folder, log, packages)
    except Failed:
        if release in ([], every):
            raise
        log.write(f"== once more, without updates: {release}\n")
        log.flush()
        return unpack_from(release, system, folder, log, packages)


def unpack_from(lines, system, folder, log, packages):
    """unpack() from the sources that lines name."""
    shutil.rmtree(folder, ignore_errors=True)
    root = os.path.join(folder, "root")
    kernel = os.path.join(folder, "kernel")
    os.makedirs(kernel)
    listing = os.path.join(folder, "sources.list")
    with open(listing, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    merge = 'for d in bin sbin lib; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
    # The kernel comes without what it depends on, which would make a RAM disk in the guest.
    fetch = (f'export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG; cd "{kernel}"; apt-get -o APT::Sandbox::User=root download '
             f'$(apt-cache depends {system.kernel} | sed -n "s/^ *Depends: \\(linux-image-\\)/\\1/p")')
    run("fetching and unpacking the packages",
        ["mmdebstrap", "--mode=root", "--variant=extract", f"--architectures={system.arch}", "--skip=cleanup/apt",
         *(f"--include={name}" for name in packages), f"--setup-hook={merge}", f"--extract-hook={fetch}",
         RELEASE, root, listing], stdout=log, stderr=subprocess.STDOUT)
    package = glob.glob(os.path.join(kernel, "linux-image-*.deb"))
    if len(package) != 1:
        raise Failed(f"fetching the kernel left {len(package)} packages, not one")
    run("unpacking the kernel", ["sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --keep-directory-symlink',
                                 package[0], root], stdout=log, stderr=subprocess.STDOUT)
    version = os.path.basename(glob.glob(os.path.join(root, "lib/modules/*"))[0])
    run("ordering the kernel's modules", ["depmod", "-b", root, version], stdout=log, stderr=subprocess.STDOUT)
    return root, version


def module_order(root, version):
    """Paths of the modules, each after what it needs."""
    base = os.path.join(root, "lib/modules", version)
    with open(os.path.join(base, "modules.dep"), encoding="utf-8") as text:
        needs = {line.split(":")[0]: line.split(":")[1].split() for line in text}
    paths = {os.path.basename(path).split(".")[0].replace("-", "_"): path for path in needs}
    order = []
    for name in MODULES:
        if name not in paths:
            continue  # built into the kernel
        for path in [*reversed(needs[paths[name]]), paths[name]]:
            if path not in order:
                order.append(path)
    return [os.path.join(base, path) for path in order]


def make_initrd(path, busybox, modules):
    """Writes the initial RAM disk; modules: paths of files, in the order of loading."""
    def content(name):
        with open(name, "rb") as data:
            return data.read()
    entries = [(d, 0o040755, b"") for d in ("bin", "dev", "proc", "sys", "root", "modules")]
    entries += [("bin/busybox", 0o100755, content(busybox)), ("init", 0o100755, content(os.path.join(HERE, "initrd.sh")))]
    entries += [("modules/" + os.path.basename(m), 0o100644, content(m)) for m in modules]
    entries += [("modules/order", 0o100644, "".join(os.path.basename(m) + "\n" for m in modules).encode())]
    write_initrd(path, entries)


def settle(root):
    """The files that make the system this demonstration's."""
    files = {"etc/hostname": "yado\n", "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 yado\n",
             "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n", "etc/resolv.conf": "nameserver 10.0.2.3\n",
             "etc/ssh/sshd_config.d/demo.conf": SSHD, "etc/systemd/network/80-dhcp.network": NETWORK}
    for name, text in files.items():
        dpkg_state.write(os.path.join(root, name), text.encode())
    shutil.copy(os.path.join(HERE, "first_boot.sh"), os.path.join(root, "sbin/first-boot"))
    for package in glob.glob(os.path.join(root, "var/cache/apt/archives/*.deb")):
        os.remove(package)


def take_kernel(system, folder, root, version):
    """The kernel and initrd.gz, out of an unpacked system."""
    shutil.copy(os.path.join(root, "boot", f"{system.image}-{version}"), os.path.join(folder, system.image))
    make_initrd(os.path.join(folder, "initrd.gz"), os.path.join(root, "bin/busybox"), module_order(root, version))


def make_ext4(path, root, size, log):
    """Writes an image with the files of root; it is there when it is whole."""
    run("making the file system", ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", root, path + ".part", size],
        stdout=log, stderr=subprocess.STDOUT)
    os.rename(path + ".part", path)


def make_base(system, folder, log):
    """Leaves the kernel, initrd.gz and base.img in folder."""
    work = os.path.join(folder, "work")
    root, version = unpack(system, work, log, ["?essential", *PACKAGES])
    packages = dpkg_state.write_state(root, os.path.join(root, "var/cache/apt/archives"))
    dpkg_state.write(os.path.join(folder, "packages"), f"{packages}\n".encode())
    settle(root)
    take_kernel(system, folder, root, version)
    make_ext4(os.path.join(folder, "base.img"), root, SIZE, log)
    shutil.rmtree(work)


def make_small(system, folder, log):
    """Leaves the kernel, initrd.gz and small.img in folder: a disk with busybox and nothing else, for tests."""
    work = os.path.join(folder, "work")
    root, version = unpack(system, work, log, ["busybox-static"])
    take_kernel(system, folder, root, version)
    small = os.path.join(work, "small")
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        os.makedirs(os.path.join(small, name))
    shutil.copy(os.path.join(root, "bin/busybox"), os.path.join(small, "bin"))
    os.symlink("busybox", os.path.join(small, "bin/sh"))
    make_ext4(os.path.join(folder, "small.img"), small, "32M", log)
    shutil.rmtree(work)


def make(what, system, folder, log):
    """Makes `base` or `small` of a system in folder, in a process that is root or believes so."""
    maker = [sys.executable, os.path.join(HERE, "image.py"), what, system.arch, folder]
    done = subprocess.run(maker if os.geteuid() == 0 else ["fakeroot", "--", *maker], stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or "the disk could not be made")


if __name__ == "__main__":
    try:
        {"base": make_base, "small": make_small}[sys.argv[1]](SYSTEMS[sys.argv[2]], sys.argv[3], sys.stdout)
    except Failed as why:
        sys.exit(str(why))
