# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
# What building, testing and the demonstration need from the distribution, and how to get it. Sourced, not run.

BUILD_PACKAGES=(gcc meson ninja-build pkg-config python3 libglib2.0-dev libcapstone-dev libffi-dev libfdt-dev zlib1g-dev libslirp-dev)
TEST_PACKAGES=(check libmpfr-dev debian-installer-12-netboot-arm64 u-boot-qemu gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    binutils-aarch64-linux-gnu llvm-14 gdb-multiarch gcc-powerpc64le-linux-gnu
    debian-installer-12-netboot-ppc64el qemu-system-data)
GUEST_PACKAGES=(debian-installer-12-netboot-arm64)
# For `tools/demo disk` and the tests that boot from disks.
DISK_PACKAGES=(mmdebstrap debian-archive-keyring e2fsprogs kmod fakeroot openssh-client)

# Installs those that are missing; uses sudo unless root.
install_packages() {
    local missing=() package
    for package in "$@"; do
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    echo "installing: ${missing[*]}" >&2
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2; then
        "${as_root[@]}" apt-get update >&2
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2 || {
            echo "cannot install ${missing[*]}" >&2
            return 1
        }
    fi
}
