#!/bin/bash
# stop.sh [name]: ends the qemu started by boot.sh, by its pid
O=${LEAT_VM_DIR:-${TMPDIR:-/tmp}/leat-linux-vm}; P=$(cat "$O/run/${1:-vm}.pid" 2>/dev/null) && kill "$P" && rm -f "$O/run/${1:-vm}.pid" && echo "stopped $P"
