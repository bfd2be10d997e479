# What differs between the supported distributions, in this one place. Sourced by host.sh.
#
# Sets, from the ID and VERSION_ID of /etc/os-release:
#   BACKPORTS_SUITE   suite to add when a package below has to come from it, or empty
#   FROM_BACKPORTS    packages to take from that suite
#   QEMU_MIN_VERSION  oldest QEMU package that boots our guests
#   PACKAGES_<group>  what each group of host.sh needs

PACKAGES_python="python3 python3-venv git make ca-certificates openssh-client rsync"
PACKAGES_lab="qemu-system-x86 qemu-utils ovmf swtpm openssh-client openssl binutils"
PACKAGES_image="mmdebstrap bubblewrap uidmap debian-archive-keyring erofs-utils cryptsetup-bin nftables openssl \
rsync xz-utils zstd"
# What `make test` starts beside the project: a real sshd and nginx on loopback, network namespaces, systemd's own judge
# of sandboxes, a C compiler for the simulated NVML and CUDA, a PKCS#11 token in files, the loads of a burn-in, PostgreSQL
# as the other store of the gateway, and Prometheus' checker of what the box exposes to it. The distribution may start its
# own sshd, nginx and Prometheus after installing them.
PACKAGES_test="openssh-server nginx-light systemd iproute2 util-linux age gcc libc6-dev softhsm2 p11-kit \
stress-ng fio postgresql prometheus prometheus-alertmanager"

BACKPORTS_SUITE=""
FROM_BACKPORTS=""
# 7.2 crashes guests with double faults under software emulation; 8.2 and later were not seen to.
QEMU_MIN_VERSION="1:8.2"

case "${ID:-unknown}-${VERSION_ID:-}" in
debian-12)
    BACKPORTS_SUITE="bookworm-backports"
    FROM_BACKPORTS="qemu-system-x86 qemu-utils"
    ;;
debian-13) ;;
ubuntu-24.04)
    # The same names, all of them in main or universe.
    ;;
*)
    SUPPORT_NOTE="${PRETTY_NAME:-this system} is not one of Debian 12, Debian 13, Ubuntu 24.04; trying their package names"
    ;;
esac
