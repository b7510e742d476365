#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Feeds the lines of standard input to a program, one at each prompt: feed.py PROMPT[|PROMPT...] LAST PROGRAM [ARGUMENT...].

A serial port drops what comes before somebody listens; a script cannot know when that is. After the last line LAST is
sent, unless the program has ended. Its output and its exit code are passed on.
"""

import os
import subprocess
import sys


def main():
    prompts, last, command = sys.argv[1].encode().split(b"|"), sys.argv[2], sys.argv[3:]
    lines = [line.rstrip("\n") for line in sys.stdin] + [last]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        seen = b""
        while data := os.read(process.stdout.fileno(), 65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            seen += data
            if lines and any(prompt in seen for prompt in prompts):
                seen = b""
                process.stdin.write(lines.pop(0).encode() + b"\n")
            seen = seen[-max(map(len, prompts)):]
    sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)


if __name__ == "__main__":
    main()
