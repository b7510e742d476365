# SPDX-License-Identifier: MIT
"""cpio archives in the "newc" format, as Linux takes them for an initial RAM disk.

Spec: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import gzip


def read_newc(data):
    """Yields (name, mode, content) of an archive."""
    at = 0
    while data[at : at + 6] in (b"070701", b"070702"):
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return
        yield name, mode, data[start : start + size]
        at = (start + size + 3) & ~3


def newc_entry(number, name, mode, content=b""):
    """One file of an archive."""
    encoded = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0]
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + encoded
    head += b"\0" * (-len(head) % 4)
    return head + content + b"\0" * (-len(content) % 4)


def write_initrd(path, entries):
    """Writes a gzip archive of entries (name, mode, content)."""
    entries = [*entries, ("TRAILER!!!", 0, b"")]
    archive = b"".join(newc_entry(i + 1, *entry) for i, entry in enumerate(entries))
    with open(path, "wb") as out:
        out.write(gzip.compress(archive, 6))
