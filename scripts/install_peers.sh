#!/bin/sh
# Installs the programs that the interop and browser tests talk to, on Debian or Ubuntu: scripts/install_peers.sh
set -eu
export DEBIAN_FRONTEND=noninteractive

packages="tshark tcpflow redis-server redis-tools nginx nghttp2-client dnsutils dnsmasq tcpdump openssl curl iproute2 postgresql haproxy memcached chromium"
# the virtual machine with Debian's kernel
packages="$packages qemu-system-x86 busybox-static cpio lz4 xz-utils gcc libc6-dev linux-libc-dev binutils"
# OpenAFS
packages="$packages openafs-dbserver openafs-fileserver openafs-client util-linux"
# interfaces in namespaces
packages="$packages perl socat iperf3 netcat-openbsd iputils-ping traceroute procps"

missing=""
for package in $packages; do
  # dnsutils is a name for bind9-dnsutils in newer releases
  if ! dpkg -s "$package" >/dev/null 2>&1; then missing="$missing $package"; fi
done
if [ -z "$missing" ]; then
  echo "all peers are installed"
  exit 0
fi

# Servers must not start by themselves: the tests start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi

apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing
