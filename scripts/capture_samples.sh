#!/usr/bin/env bash
# Makes examples/captures from real servers and clients, in network namespaces of its own: nothing outside of this
# machine is ever talked to, and nothing is left running.
#
#   sudo scripts/capture_samples.sh [NAME...]     all samples, or those named (without extension)
#
# Needs root, TUN/TAP, and (Debian): tshark tcpdump iproute2 python3 redis nginx nghttp2-client postgresql dnsmasq
# dnsutils openssl curl. OUT=folder writes elsewhere. What each sample shows: examples/captures/README.md.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${OUT:-$here/../examples/captures}" && cd "${OUT:-$here/../examples/captures}" && pwd)
work=$(mktemp -d -t leat-captures.XXXXXX)
chmod 755 "$work"
client=leat-client-$$ server=leat-server-$$
c4=10.9.0.1 s4=10.9.0.2 c6=fd09::1 s6=fd09::2
jobs_started=() wire_job="" capture_job="" capture_file=""
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)

# ---- processes and namespaces

stop() { # stop PID...: ends our own processes and waits for them
  local pid
  for pid in "$@"; do kill "$pid" 2>/dev/null || true; done
  for pid in "$@"; do wait "$pid" 2>/dev/null || true; done
}

cleanup() {
  local status=$?
  stop ${capture_job:+"$capture_job"} "${jobs_started[@]}" ${wire_job:+"$wire_job"}
  ip netns del "$client" 2>/dev/null || true
  ip netns del "$server" 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

on() { local namespace=$1; shift; ip netns exec "$namespace" timeout 40 "$@"; }
quiet() { "$@" >>"$work/log" 2>&1 || { tail -20 "$work/log" >&2; echo "failed: $*" >&2; return 1; }; }

await() { # await TEXT FILE: until a line of the file has the text
  local tries
  for tries in $(seq 200); do grep -qs -- "$1" "$2" && return; sleep 0.05; done
  echo "no '$1' in time:" >&2; cat "$2" >&2; return 1
}

await_port() { # await_port NAMESPACE PORT: until something listens there; looks, and does not connect
  local tries
  for tries in $(seq 200); do ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q . && return; sleep 0.05; done
  echo "nothing listens on port $2" >&2; return 1
}

serve() { # serve NAMESPACE COMMAND...: in the background until the sample is done
  local namespace=$1; shift
  ip netns exec "$namespace" timeout -k 2 60 "$@" >"$work/server.log" 2>&1 &
  jobs_started+=($!)
}

peers() { # peers ROLE HOST PORT: a pair of capture_peers.py, server and client, to the end
  serve "$server" python3 "$here/capture_peers.py" "$1-server" "$2" "$3"
  await ready "$work/server.log"
  quiet on "$client" python3 "$here/capture_peers.py" "$1-client" "$2" "$3"
}

namespace_up() { # namespace_up NAME KIND MAC IPV4 IPV6
  ip netns add "$1"
  ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.default.router_solicitations=0 net.ipv4.tcp_no_metrics_save=1
  ip -n "$1" link set lo up
  ip -n "$1" tuntap add dev wire0 mode "$2"
  [ "$2" = tun ] || ip -n "$1" link set wire0 address "$3"
  ip -n "$1" address add "$4/24" dev wire0
  ip -n "$1" address add "$5/64" dev wire0 nodad
  ip -n "$1" link set wire0 mtu 1500 up
}

wire() { # wire [KIND [OPTIONS of capture_wire.py]]: two namespaces and the wire between them
  local kind=${1:-tap}; shift || true
  namespace_up "$client" "$kind" 02:00:00:00:00:01 "$c4" "$c6"
  namespace_up "$server" "$kind" 02:00:00:00:00:02 "$s4" "$s6"
  python3 "$here/capture_wire.py" "$client" "$server" --kind "$kind" "$@" >"$work/wire.log" 2>&1 &
  wire_job=$!
  await ready "$work/wire.log"
  sleep 0.3 # what the kernel says when a link comes up (neighbour discovery, MLD) is not part of the sample
}

capture() { # capture NAMESPACE FILE [OPTIONS of tcpdump]
  local namespace=$1; capture_file=$2; shift 2
  ip netns exec "$namespace" timeout -s INT 60 tcpdump -Z root -nn -U --immediate-mode -B 8192 -w "$capture_file" "$@" \
    2>"$work/tcpdump.log" &
  capture_job=$!
  await "listening on" "$work/tcpdump.log"
}

capture_end() { # a moment for the last ACKs, then the file is complete
  sleep 0.4
  stop "$capture_job"
  capture_job=""
  grep -q "^0 packets dropped by kernel" "$work/tcpdump.log" || { cat "$work/tcpdump.log" >&2; return 1; }
}

sample_end() {
  stop "${jobs_started[@]}"; jobs_started=()
  [ -z "$wire_job" ] || stop "$wire_job"; wire_job=""
  ip netns del "$client"; ip netns del "$server"
}

pcapng() { # pcapng FROM NAME: as pcapng, without what it would tell about this machine
  editcap -F pcapng "$1" "$work/as.pcapng"
  python3 "$here/capture_edit.py" strip "$work/as.pcapng" "$out/$2.pcapng"
}

# ---- servers

redis_up() {
  # Without COMMAND: redis-cli asks for the documentation of all commands at the start, 180 kB.
  serve "$server" redis-server --bind "$s4" --port 6379 --save "" --appendonly no --protected-mode no --dir "$work" \
    --rename-command COMMAND ""
  await_port "$server" 6379
}

postgres_up() { # trust authentication: nothing secret in the capture
  local as="setpriv --reuid=postgres --regid=postgres --clear-groups --inh-caps=-all"
  mkdir "$work/pg"; chown postgres "$work/pg"
  (cd "$work/pg" && quiet $as "$postgres_bin/initdb" -D "$work/pg/data" -A trust -U leat -E UTF8 --locale=C --no-sync)
  echo "host all all all trust" >>"$work/pg/data/pg_hba.conf"
  serve "$server" $as "$postgres_bin/postgres" -D "$work/pg/data" -k "$work/pg" -p 5432 -c "listen_addresses=$1" \
    -c fsync=off -c timezone=UTC -c log_timezone=UTC -c autovacuum=off
  await_port "$server" 5432
}

certificate() {
  quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=leat.example \
    -addext subjectAltName=DNS:leat.example -keyout "$work/key.pem" -out "$work/cert.pem"
}

nginx_up() { # nginx_up LINES of the server block
  mkdir -p "$work/www" "$work/nginx"
  seq 400 >"$work/www/numbers.txt"
  head -c 6000 /dev/zero | tr '\0' '.' >"$work/www/dots.txt"
  echo '<!doctype html><title>leat</title><p>Hello from a capture.' >"$work/www/index.html"
  cat >"$work/nginx.conf" <<END
daemon off; master_process off; pid $work/nginx/pid; error_log stderr; events { worker_connections 64; }
http { access_log off; server_tokens off; types { text/html html; text/plain txt; }
  client_body_temp_path $work/nginx/a; proxy_temp_path $work/nginx/b; fastcgi_temp_path $work/nginx/c;
  uwsgi_temp_path $work/nginx/d; scgi_temp_path $work/nginx/e;
  server { root $work/www; $1 } }
END
  serve "$server" nginx -c "$work/nginx.conf" -p "$work/nginx"
}

dns_up() { # dns_up NAMESPACE ADDRESS
  local arguments=(--keep-in-foreground --no-resolv --no-hosts --no-daemon --conf-file=/dev/null --pid-file= --user=root
    --listen-address="$2" --bind-interfaces --port=53 --edns-packet-max=4096
    --address=/www.leat.example/192.0.2.10 --address=/www.leat.example/2001:db8::10
    --mx-host=leat.example,mail.leat.example,10 --srv-host=_kcm._tcp.leat.example,www.leat.example,7000)
  local number
  for number in $(seq 12); do
    arguments+=(--txt-record="big.leat.example,$(printf "text number $number %.0s" $(seq 14))")
  done
  serve "$1" dnsmasq "${arguments[@]}"
  await_port "$1" 53
}

# ---- the samples, one function each

redis_cli() {
  wire; redis_up
  capture "$client" "$out/redis_cli.pcap" -i wire0 tcp
  quiet on "$client" redis-cli -h "$s4" <<'END'
PING
SET greeting "hello, world"
GET greeting
GET missing
INCR counter
INCRBY counter 41
RPUSH list one two three "four and a longer element"
LRANGE list 0 -1
HSET hash field value other 12
HGETALL hash
ZADD board 1.5 a 2.5 b
ZRANGE board 0 -1 WITHSCORES
LPUSH greeting oops
NOSUCHCOMMAND
EVAL "return {1, 'two', {3, false}}" 0
HELLO 3
HGETALL hash
ZRANGE board 0 -1 WITHSCORES
DEL greeting counter list hash board
END
  head -c 5000 /dev/zero | tr '\0' 'v' | quiet on "$client" redis-cli -h "$s4" -x SET large
  quiet on "$client" redis-cli -h "$s4" GET large
  printf 'SET key:%s value\r\nGET key:%s\r\n' $(seq 40) | quiet on "$client" redis-cli -h "$s4" --pipe
  capture_end
}

redis_benchmark() {
  wire; redis_up
  capture "$client" "$work/raw.pcap" -i wire0 tcp
  quiet on "$client" redis-benchmark -h "$s4" -t set,get,lpush,lrange_100 -n 15 -c 4 -P 5 -d 40 -r 1000
  capture_end
  pcapng "$work/raw.pcap" redis_benchmark
}

postgres_psql() { # IPv6
  wire; postgres_up "$s6"
  capture "$client" "$out/postgres_psql.pcap" -i wire0 tcp
  quiet on "$client" env PGSSLMODE=disable psql -X -h "$s6" -U leat -d postgres -v ON_ERROR_STOP=0 <<'END'
CREATE TABLE city (id int PRIMARY KEY, name text, area numeric);
COPY city FROM stdin;
1	Uppsala	48.77
2	Graz	127.57
3	\N	0
\.
INSERT INTO city SELECT n, 'city number ' || n, n / 7.0 FROM generate_series(10, 60) n;
SELECT * FROM city ORDER BY id;
COPY (SELECT id, name FROM city WHERE id < 20) TO stdout;
SELECT 1/0;
PREPARE by_id (int) AS SELECT name FROM city WHERE id = $1;
EXECUTE by_id (2);
DO $$ BEGIN RAISE NOTICE 'a notice, %', repeat('long ', 20); END $$;
LISTEN news;
NOTIFY news, 'payload';
BEGIN; DELETE FROM city; ROLLBACK;
SELECT repeat('x', 9000);
END
  capture_end
}

postgres_pgbench() { # nanosecond pcapng, the extended protocol with prepared statements, two clients
  wire; postgres_up "$s4"
  quiet on "$client" env PGSSLMODE=disable "$postgres_bin/pgbench" -h "$s4" -U leat -i -s 1 -q postgres
  capture "$client" "$work/raw.pcap" -i wire0 --time-stamp-precision=nano tcp
  quiet on "$client" env PGSSLMODE=disable "$postgres_bin/pgbench" -h "$s4" -U leat -n -c 2 -j 2 -t 12 -M prepared \
    --random-seed=1 postgres
  capture_end
  pcapng "$work/raw.pcap" postgres_pgbench
}

http2_h2load() {
  wire; nginx_up "listen $s4:8080 http2;"; await_port "$server" 8080
  capture "$client" "$out/http2_h2load.pcap" -i wire0 tcp
  quiet on "$client" h2load -n 24 -c 2 -m 6 "http://$s4:8080/numbers.txt" "http://$s4:8080/" "http://$s4:8080/dots.txt"
  quiet on "$client" curl -sS --http2-prior-knowledge "http://$s4:8080/missing" -o "$work/answer"
  capture_end
}

http1_keepalive() { # over lo of a namespace with its MTU of 65536: segments larger than any Ethernet's
  wire; nginx_up "listen 127.0.0.1:8080;"; await_port "$server" 8080
  capture "$server" "$out/http1_keepalive.pcap" -i lo tcp
  quiet on "$server" curl -sS "http://127.0.0.1:8080/" -o "$work/a" "http://127.0.0.1:8080/numbers.txt" -o "$work/b" \
    "http://127.0.0.1:8080/missing" -o "$work/c" -I "http://127.0.0.1:8080/dots.txt" -o "$work/d"
  head -c 40000 /dev/zero | tr '\0' 'p' >"$work/post"
  quiet on "$server" curl -sS --data-binary "@$work/post" "http://127.0.0.1:8080/" -o "$work/a"
  capture_end
}

dns_tcp() { # Linux cooked v2: tcpdump -i any
  wire; dns_up "$server" "$s4"
  capture "$client" "$out/dns_tcp.pcap" -i any -y LINUX_SLL2 tcp
  quiet on "$client" dig +tcp +keepopen "@$s4" www.leat.example A www.leat.example AAAA leat.example MX \
    _kcm._tcp.leat.example SRV big.leat.example TXT missing.leat.example A
  quiet on "$client" dig +tcp "@$s4" big.leat.example TXT
  capture_end
}

dns_udp() { # Linux cooked v1; the large answers come as IP fragments
  wire; dns_up "$server" "$s4"
  capture "$client" "$out/dns_udp.pcap" -i any -y LINUX_SLL "ip and (udp or icmp)"
  quiet on "$client" dig +notcp "@$s4" www.leat.example A www.leat.example AAAA leat.example MX
  quiet on "$client" dig +notcp +ignore +bufsize=4096 "@$s4" big.leat.example TXT
  quiet on "$client" dig +notcp +ignore +noedns "@$s4" big.leat.example TXT
  capture_end
}

https_tls() { # TLS 1.3 and 1.2; Linux cooked v1, over lo
  wire; certificate
  nginx_up "listen 127.0.0.1:8443 ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem;"
  await_port "$server" 8443
  local to=(--resolve leat.example:8443:127.0.0.1 --cacert "$work/cert.pem" -sS -o "$work/answer")
  capture "$server" "$out/https_tls.pcap" -i any -y LINUX_SLL tcp
  quiet on "$server" curl "${to[@]}" --tlsv1.3 https://leat.example:8443/numbers.txt
  quiet on "$server" curl "${to[@]}" --tls-max 1.2 --http1.1 https://leat.example:8443/dots.txt
  capture_end
}

loss_reorder() { # seen by the receiver of the larger half: holes, late packets, duplicates, real retransmissions
  wire tap --loss 0.06 --reorder 0.08 --duplicate 0.04 --delay-ms 3 --late-ms 9 --seed 5
  capture "$client" "$out/loss_reorder.pcap" -i wire0 tcp
  peers bulk "$s4" 7000
  capture_end
}

loss_raw_ip() { # a TUN device: raw IP without any link header; Redis over a bad line
  wire tun --loss 0.09 --reorder 0.12 --duplicate 0.05 --delay-ms 2 --late-ms 7 --seed 11
  redis_up
  capture "$server" "$out/loss_raw_ip.pcap" -i wire0 tcp
  quiet on "$client" redis-benchmark -h "$s4" -t set,get -n 10 -c 2 -P 2 -d 4000
  capture_end
}

vlan_trunk() { # the trunk of a switch: 802.1Q
  wire tap --trunk "$out/vlan_trunk.pcap" --vlan 42
  redis_up
  quiet on "$client" redis-benchmark -h "$s4" -t ping_mbulk,incr -n 20 -c 2
  sleep 0.3
}

vlan_qinq() { # 802.1ad with 802.1Q inside; IPv6
  wire tap --trunk "$out/vlan_qinq.pcap" --vlan 100 7
  peers framed "$s6" 7000
  sleep 0.3
}

framed_nanosecond() { # messages with a 4-byte length in front, cut anywhere; pcap with nanoseconds
  wire
  capture "$client" "$out/framed_nanosecond.pcap" -i wire0 --time-stamp-precision=nano tcp
  peers framed "$s4" 7000
  capture_end
}

null_loopback() { # the link header rewritten, as BSD's loopback interface would have had it
  wire
  capture "$client" "$work/raw.pcap" -i wire0 tcp
  peers framed "$s6" 7000
  capture_end
  python3 "$here/capture_edit.py" null "$work/raw.pcap" "$out/null_loopback.pcap"
}

snaplen_cut() { # only the first 128 bytes of each packet were captured
  wire; nginx_up "listen $s4:8080;"; await_port "$server" 8080
  capture "$client" "$out/snaplen_cut.pcap" -i wire0 -s 128 tcp
  quiet on "$client" curl -sS "http://$s4:8080/numbers.txt" -o "$work/answer"
  quiet on "$client" curl -sS "http://$s4:8080/nothing" -o "$work/answer"
  capture_end
}

midstream() { # no handshake at the start, no FIN at the end
  wire
  serve "$server" python3 "$here/capture_peers.py" lines-server "$s4" 7000
  await ready "$work/server.log"
  on "$client" python3 "$here/capture_peers.py" lines-client "$s4" 7000 &
  jobs_started+=($!)
  sleep 0.7
  capture "$client" "$out/midstream.pcap" -i wire0 tcp
  sleep 1
  capture_end
}

missing_packets() { # packets that did arrive but that the capture lost: holes that nobody fills
  wire; nginx_up "listen $s4:8080;"; await_port "$server" 8080
  capture "$client" "$work/raw.pcap" -i wire0 tcp
  quiet on "$client" curl -sS "http://$s4:8080/dots.txt" -o "$work/a" "http://$s4:8080/numbers.txt" -o "$work/b"
  quiet on "$client" curl -sS "http://$s4:8080/numbers.txt" -o "$work/a"
  capture_end
  # From the first connection a packet in the middle of an answer; from the second the last one before the FIN.
  server_data() {
    tshark -r "$work/raw.pcap" -Y "tcp.stream == $1 && tcp.srcport == 8080 && tcp.len > 0" -T fields -e frame.number \
      2>/dev/null
  }
  editcap -F pcap "$work/raw.pcap" "$out/missing_packets.pcap" "$(server_data 0 | sed -n 3p)" "$(server_data 1 | tail -1)"
}

port_reuse() { # one port pair, four connections
  wire
  capture "$client" "$out/port_reuse.pcap" -i wire0 tcp
  peers reuse "$s4" 7000
  capture_end
}

idle_keepalive() {
  wire
  capture "$client" "$out/idle_keepalive.pcap" -i wire0 tcp
  peers idle "$s4" 7000
  capture_end
}

zero_window() {
  wire
  capture "$client" "$work/raw.pcap" -i wire0 tcp
  peers window "$s4" 7000
  capture_end
  pcapng "$work/raw.pcap" zero_window
}

connection_ends() {
  wire
  capture "$client" "$out/connection_ends.pcap" -i wire0 tcp
  peers ends "$s4" 7000
  capture_end
}

udp_fragments() { # IPv4 and IPv6 fragments, those of IPv6 overtaking each other; two sections in one pcapng file
  wire
  capture "$client" "$work/four.pcap" -i wire0 "ip and (udp or (ip[6:2] & 0x3fff != 0))"
  peers datagram "$s4" 7000
  capture_end; sample_end
  wire tap --reorder 0.3 --delay-ms 1 --late-ms 2 --seed 3
  capture "$client" "$work/six.pcap" -i wire0 "ip6 and (ip6[6] == 17 or ip6[6] == 44)"
  peers datagram "$s6" 7000
  capture_end
  pcapng "$work/four.pcap" udp_fragments && mv "$out/udp_fragments.pcapng" "$work/four.pcapng"
  pcapng "$work/six.pcap" udp_fragments
  cat "$work/four.pcapng" "$out/udp_fragments.pcapng" >"$work/both.pcapng"
  mv "$work/both.pcapng" "$out/udp_fragments.pcapng"
}

all=(redis_cli redis_benchmark postgres_psql postgres_pgbench http2_h2load http1_keepalive dns_tcp dns_udp https_tls
  loss_reorder loss_raw_ip vlan_trunk vlan_qinq framed_nanosecond null_loopback snaplen_cut midstream missing_packets
  port_reuse idle_keepalive zero_window connection_ends udp_fragments)

[ "$(id -u)" = 0 ] || { echo "needs root, for namespaces and captures" >&2; exit 1; }
for tool in ip ss tcpdump tshark editcap python3 redis-server nginx h2load dnsmasq dig openssl curl \
  "$postgres_bin/postgres"; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done

[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
  [[ " ${all[*]} " == *" $name "* ]] || { echo "no sample is called $name" >&2; exit 1; }
  "$name"
  sample_end
  rm -rf "$work"/*
  file=$(ls "$out/$name".pcap*)
  size=$(stat -c %s "$file")
  echo "$(basename "$file"): $size bytes"
  [ "$size" -lt 150000 ] || { echo "larger than 150 kB" >&2; exit 1; }
done
chmod 644 "$out"/*.pcap*
