#!/bin/bash
# boot.sh [name] : boots the guest, waits for READY on the serial console, prints the boot time.
# Environment: BASE (host port base, 17000), MEM (MiB, 192), SMP (1), ACCEL (tcg), KERNEL, MACHINE (pc),
#  DUMP=file (pcap of the slirp link), RAW=none|udp|unixdgram|stream (second NIC, raw Ethernet frames), RAWL/RAWR (its local/remote port or path), APPEND
# Host loopback -> guest: tcp BASE+0..4 -> 7000..7004 (control: shd kcmd rxd rxc tcpd), tcp and udp BASE+100..109 -> 7100..7109
# What build.sh made is taken from $LEAT_VM_DIR; the log and the process id go there, too.
set -euo pipefail
O=${LEAT_VM_DIR:-${TMPDIR:-/tmp}/leat-linux-vm}; N=${1:-vm}
S=$(cd "$(dirname "$0")" && pwd)
I=$O/out/initramfs-$(cat "$S"/build.sh "$S"/src/* | sha256sum | cut -c1-12).cpio.lz4
BASE=${BASE:-17000}; MEM=${MEM:-192}; SMP=${SMP:-1}; ACCEL=${ACCEL:-tcg}; MACHINE=${MACHINE:-pc}
[ -n "${KERNEL:-}" ] || { KERNEL=$O/out/vmlinux; [ -e "$KERNEL" ] || KERNEL=$O/out/bzImage; }; RAW=${RAW:-none}
LOG=$O/run/$N.log; mkdir -p "$O/run"; : > "$LOG"
F=""
for i in 0 1 2 3 4; do F+=",hostfwd=tcp:127.0.0.1:$((BASE+i))-:$((7000+i))"; done
for i in 0 1 2 3 4 5 6 7 8 9; do F+=",hostfwd=tcp:127.0.0.1:$((BASE+100+i))-:$((7100+i)),hostfwd=udp:127.0.0.1:$((BASE+100+i))-:$((7100+i))"; done
A=(-accel "$ACCEL" -machine "$MACHINE" -nodefaults -no-user-config -display none -m "$MEM" -smp "$SMP"
   -serial "file:$LOG" -monitor none -no-reboot -kernel "$KERNEL" -initrd "$I"
   -append "console=ttyS0 quiet panic=-1 ipv6.disable=${NOV6:-0} mitigations=off no_timer_check ${APPEND:-}"
   -netdev "user,id=n0,restrict=${RESTRICT:-off}$F" -device virtio-net-pci,netdev=n0,romfile=,mac=52:54:00:12:34:56)
[ -n "${DUMP:-}" ] && A+=(-object "filter-dump,id=d0,netdev=n0,file=$DUMP,maxlen=${DUMPSNAP:-65535}")
case $RAW in
  none) ;;
  udp) A+=(-netdev "dgram,id=n1,local.type=inet,local.host=127.0.0.1,local.port=${RAWL:-17301},remote.type=inet,remote.host=127.0.0.1,remote.port=${RAWR:-17302}");;
  socketudp) A+=(-netdev "socket,id=n1,udp=127.0.0.1:${RAWR:-17302},localaddr=127.0.0.1:${RAWL:-17301}");;
  unixdgram) A+=(-netdev "dgram,id=n1,local.type=unix,local.path=${RAWL:-$O/run/$N.vm.sock},remote.type=unix,remote.path=${RAWR:-$O/run/$N.host.sock}");;
  stream) A+=(-netdev "stream,id=n1,server=${RAWSRV:-off},addr.type=inet,addr.host=127.0.0.1,addr.port=${RAWR:-17302}");;
  streamunix) A+=(-netdev "stream,id=n1,server=${RAWSRV:-off},addr.type=unix,addr.path=${RAWR:-$O/run/$N.raw.sock}");;
esac
[ "$RAW" != none ] && A+=(-device "virtio-net-pci,netdev=n1,romfile=,mac=52:54:00:12:34:57,csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ufo=off,guest_ecn=off,mrg_rxbuf=off")
T0=$(date +%s.%N)
# not for ever, should nobody stop it
timeout "${LIFE:-3600}" qemu-system-x86_64 "${A[@]}" </dev/null >"$O/run/$N.qemu.log" 2>&1 &
P=$!; echo $P > "$O/run/$N.pid"
trap 'kill $P; exit 1' TERM INT HUP
for _ in $(seq 1 2400); do
  grep -q '^READY' "$LOG" && break
  kill -0 $P 2>/dev/null || { { echo "qemu ended:"; cat "$O/run/$N.qemu.log" "$LOG"; } >&2; exit 1; }
  sleep 0.05
done
T1=$(date +%s.%N)
grep '^READY' "$LOG" || { { echo "not ready"; tail "$LOG"; } >&2; kill $P; exit 1; }
awk -v a=$T0 -v b=$T1 'BEGIN{printf "boot %.2f s\n",b-a}'
echo "pid $P  base $BASE"
