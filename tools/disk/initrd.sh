#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# The first program of the initial RAM disk: loads what the root file system needs, mounts it and changes over to it.
# From the kernel's command line: root=DEVICE; init=PROGRAM.
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module; do
    $bb insmod "/modules/$module" || echo "initrd: cannot load $module"
done < /modules/order

root=/dev/vda
init=/sbin/init
for word in $($bb cat /proc/cmdline); do
    case $word in
    root=*) root=${word#root=} ;;
    init=*) init=${word#init=} ;;
    esac
done
tries=0
while [ ! -b "$root" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    $bb sleep 0.1
done
if ! $bb mount -t ext4 -o ro "$root" /root; then
    echo "initrd: there is no root file system on $root; this shell is in the initial RAM disk"
    exec $bb sh
fi
$bb mount --move /dev /root/dev
$bb umount /proc
$bb umount /sys
exec $bb switch_root /root "$init"
echo "initrd: cannot start $init"
