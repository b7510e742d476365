# SPDX-License-Identifier: MIT
"""Writes the package database of a system whose packages have been extracted but not installed.

Afterwards dpkg takes every package for unpacked: `dpkg --configure -a`, in the system itself, does the rest. The
scripts that dpkg would have run in front of unpacking (preinst) are left to the system's first boot, too.
Spec: dpkg(1), deb-control(5), deb-conffiles(5), deb-triggers(5).
"""

import glob
import hashlib
import os
import subprocess
import tarfile

NOT_KEPT = ("control",)


def control_fields(text):
    """The fields of a control file that name things; continuation lines are left out."""
    pairs = (line.split(":", 1) for line in text.splitlines() if line[:1].strip() and ":" in line)
    return {name: value.strip() for name, value in pairs}


def members(archive, part):
    """Yields (name without './', content of a regular file or None) of the control or fsys part of a package."""
    option = {"control": "--ctrl-tarfile", "files": "--fsys-tarfile"}[part]
    with subprocess.Popen(["dpkg-deb", option, archive], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member).read() if part == "control" and member.isfile() else None
                yield member.name[1:].strip("/") if member.name.startswith(".") else member.name, member.mode, content


def write(path, content, mode=0o644):
    with open(path, "wb") as out:
        out.write(content)
    os.chmod(path, mode)


def conffiles_field(root, listed):
    """The Conffiles field: each file, which is in its place already, with its MD5 sum."""
    lines = []
    for path in listed.decode().split("\n"):
        if path.startswith("/"):
            with open(root + path, "rb") as content:
                lines.append(f" {path} {hashlib.md5(content.read()).hexdigest()}")
    return "Conffiles:\n" + "\n".join(lines) + "\n" if lines else ""


def add_triggers(folder, package, text):
    """What the package is interested in, as dpkg notes it when it unpacks."""
    for line in text.decode().splitlines():
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0].startswith("interest"):
            wait = "/noawait" if words[0] == "interest-noawait" else ""
            name = "File" if words[1].startswith("/") else words[1]
            with open(os.path.join(folder, name), "a", encoding="utf-8") as out:
                out.write(f"{words[1]} {package}{wait}\n" if name == "File" else f"{package}{wait}\n")


def add_package(root, archive):
    """Notes one package as unpacked; returns its paragraph of the status file."""
    admin = os.path.join(root, "var/lib/dpkg")
    parts = {name: (mode, content) for name, mode, content in members(archive, "control") if content is not None}
    control = parts["control"][1].decode().strip("\n")
    fields = control_fields(control)
    package = fields["Package"]
    name = f"{package}:{fields['Architecture']}" if fields.get("Multi-Arch") == "same" else package
    for part, (mode, content) in parts.items():
        if part not in NOT_KEPT:
            write(os.path.join(admin, "info", f"{name}.{part}"), content, mode)
    paths = ["/" + path if path else "/." for path, _, _ in members(archive, "files")]
    write(os.path.join(admin, "info", f"{name}.list"), ("\n".join(paths) + "\n").encode())
    add_triggers(os.path.join(admin, "triggers"), name, parts.get("triggers", (0, b""))[1])
    first, rest = control.split("\n", 1)
    conffiles = conffiles_field(root, parts.get("conffiles", (0, b""))[1])
    return f"{first}\nStatus: install ok unpacked\n{rest}\n{conffiles}"


def write_state(root, archives):
    """Notes the packages of the archives (.deb) as unpacked in root; returns how many they are."""
    admin = os.path.join(root, "var/lib/dpkg")
    write(os.path.join(admin, "info/format"), b"1\n")
    found = sorted(glob.glob(os.path.join(archives, "*.deb")))
    status = "\n".join(add_package(root, archive) for archive in found)
    write(os.path.join(admin, "status"), status.encode())
    write(os.path.join(admin, "available"), b"")
    return len(found)
