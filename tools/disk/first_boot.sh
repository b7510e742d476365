#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in the guest as the first program of the first boot: installs the packages, which the host has only unpacked.
# What it says of itself begins with "first-boot:"; the host waits for "complete" and for the power to go off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
say() {
    echo "first-boot: $*"
}

finish() {
    say "$*"
    cd /
    sync
    busybox mount -o remount,ro /
    busybox poweroff -f
}

# What dpkg does in front of unpacking a package.
run_preinst() {
    script=/var/lib/dpkg/info/$1.preinst
    [ -f "$script" ] || return 0
    DPKG_MAINTSCRIPT_PACKAGE=${1%:*} DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_ARCH=$(dpkg --print-architecture) \
        DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT='' "$script" install ||
        say "the preinst of $1 ended with $?"
}

# From a copy: a file system with a file that is open and removed cannot become read-only.
if [ "$0" != /run/first-boot ]; then
    busybox mount -t proc proc /proc
    # Nothing here needs to survive a loss of power: an interrupted first boot begins anew.
    busybox mount -o remount,rw,nobarrier,noatime / || finish "failed: cannot write to the disk"
    busybox mount -t tmpfs run /run
    cp "$0" /run/first-boot
    rm "$0"
    exec /run/first-boot
fi
busybox mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts

say "preparing"
run_preinst base-passwd
for script in /var/lib/dpkg/info/*.preinst; do
    package=${script##*/}
    package=${package%.preinst}
    [ "$package" = base-passwd ] || run_preinst "$package"
done
say "configuring"
dpkg --force-depends --force-unsafe-io --configure base-passwd base-files mawk dpkg "libc6:$(dpkg --print-architecture)" || say "dpkg ended with $?"
for round in 1 2 3; do
    dpkg --force-confold --force-unsafe-io --configure -a && break
    say "dpkg ended with $? in round $round"
done
left=$(dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' | grep -v '^installed ' | tr '\n' ' ')
[ -z "$left" ] || finish "failed: not installed: $left"

say "setting up the network and the root account"
systemctl enable systemd-networkd.service || finish "failed: cannot enable the network"
echo root:root | chpasswd || finish "failed: cannot set root's password"
rm -f /var/log/*.log
finish "complete"
