#!/bin/bash
# Debian's kernel package and programs of ours -> out/vmlinux (or out/bzImage) and out/initramfs-*.cpio.lz4, in a folder
# outside of the repository: $LEAT_VM_DIR, by default leat-linux-vm in the system's folder for temporary files.
# Needs (Debian 12): gcc libc6-dev linux-libc-dev binutils busybox-static cpio lz4 xz-utils iproute2 dpkg
# Usage: build.sh [linux-image-*.deb]
set -euo pipefail
T0=$(date +%s.%N)
S=$(cd "$(dirname "$0")" && pwd)
O=${LEAT_VM_DIR:-${TMPDIR:-/tmp}/leat-linux-vm}
mkdir -p "$O"
exec 9>"$O/lock"
flock 9
DEB=${1:-$(ls "$O"/deb/linux-image-*.deb 2>/dev/null | head -1 || true)}
if [ -z "$DEB" ]; then
  mkdir -p "$O/deb"; cd "$O/deb"
  kernel() { apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-6/ {print $2; exit}'; }
  P=$(kernel)
  [ -n "$P" ] || { apt-get update -qq; P=$(kernel); }
  [ -n "$P" ] || { echo "no linux-image-amd64 with a kernel 6: this needs Debian 12, or a package as argument" >&2; exit 1; }
  apt-get download "$P"; DEB=$(ls "$O"/deb/linux-image-*.deb | head -1)
fi
mkdir -p "$O/out"
stamp="$O/out/.unpacked-$(basename "$DEB")"
if [ ! -e "$stamp" ]; then rm -rf "$O/kroot"; dpkg -x "$DEB" "$O/kroot"; : > "$stamp"; fi
V=$(basename "$O"/kroot/lib/modules/*)
K=$O/kroot/lib/modules/$V/kernel
cp -u "$O/kroot/boot/vmlinuz-$V" "$O/out/bzImage"
# uncompressed ELF (boots through the PVH entry, saves ~2.5 s of xz decompression under TCG)
if [ ! -e "$O/out/vmlinux" ] || [ "$O/out/bzImage" -nt "$O/out/vmlinux" ]; then
  off=$(LC_ALL=C grep -abo -m1 $'\xfd7zXZ' "$O/out/bzImage" | head -1 | cut -d: -f1)
  tail -c +$((off+1)) "$O/out/bzImage" | xz -dc --single-stream -q > "$O/out/vmlinux" 2>/dev/null || true
  [ "$(head -c 4 "$O/out/vmlinux" | tail -c 3)" = ELF ] || rm -f "$O/out/vmlinux"
fi
T1=$(date +%s.%N)

# named after what it is made of: other checkouts have others
I=$O/out/initramfs-$(cat "$S"/build.sh "$S"/src/* | sha256sum | cut -c1-12).cpio.lz4
if [ -e "$I" ] && [ "$I" -nt "$stamp" ]; then
  echo "is built"
  exit 0
fi

R=$O/root; rm -rf "$R"; mkdir -p "$R"/{bin,sbin,proc,sys,dev,tmp,run,etc,lib/mod,root}
cp /bin/busybox "$R/bin/"
for p in shd kcmd rxd rxc tcpd pcapw algt; do
  gcc -O2 -Wall -Wno-unused-function -static -s -o "$R/bin/$p" "$S/src/$p.c"
done
T2=$(date +%s.%N)

# modules with their dependencies, in load order
MODS="virtio_pci virtio_net kcm des_generic pcbc fcrypt rxrpc af_alg algif_skcipher sch_netem sch_tbf ifb veth"
declare -A done_; : > "$R/lib/mod/order"
add() {
  local m=$1 f d; [ -n "${done_[$m]:-}" ] && return 0; done_[$m]=1
  f=$(find "$K" -name "$m.ko*" -o -name "${m//_/-}.ko*" | head -1)
  [ -n "$f" ] || { echo "note: no module $m (built in or absent)"; return 0; }
  objcopy -O binary -j .modinfo "$f" "$O/out/.mi"
  d=$(tr '\0' '\n' < "$O/out/.mi" | sed -n 's/^depends=//p')
  for x in ${d//,/ }; do add "$x"; done
  cp "$f" "$R/lib/mod/"; strip --strip-debug "$R/lib/mod/$(basename "$f")"; basename "$f" >> "$R/lib/mod/order"
}
for m in $MODS; do add "$m"; done

# tc (dynamic) with its libraries, for netem
TC=$(command -v tc || true)
if [ -n "$TC" ]; then
  cp "$TC" "$R/sbin/tc"
  for l in $(ldd "$TC" | grep -o '/[^ ]*'); do mkdir -p "$R$(dirname "$l")"; cp -L "$l" "$R$l"; done
  [ -d /usr/lib/tc ] && mkdir -p "$R/usr/lib" && cp -r /usr/lib/tc "$R/usr/lib/" || true
fi
cp "$S/src/init" "$R/init"; chmod 755 "$R/init"
( cd "$R" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 ) > "$O/out/initramfs.cpio"
lz4 -l -9 -q -f "$O/out/initramfs.cpio" "$I.new"
mv "$I.new" "$I"
T3=$(date +%s.%N)
awk -v a=$T0 -v b=$T1 -v c=$T2 -v d=$T3 'BEGIN{printf "unpack %.1fs  compile %.1fs  initramfs %.1fs  total %.1fs\n",b-a,c-b,d-c,d-a}'
ls -l "$O/out/bzImage" "$O/out/initramfs.cpio" "$I" | awk '{print $5,$9}'
