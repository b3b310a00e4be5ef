# A file server's machine in namespaces of its own: volume_box.sh FOLDER COMMAND...
# OpenAFS has the names of some folders compiled in; here they are in FOLDER.
set -e
box=$1
shift
mkdir -p "$box/etc/server" "$box/lib/local" "$box/lib/db" "$box/log" "$box/vicepa"
chmod 700 "$box/lib/local" "$box/lib/db"
for folder in "$box/etc" "$box/etc/server"; do
  echo test.cell > "$folder/ThisCell"
  printf '>test.cell #t\n10.77.0.1 #me\n' > "$folder/CellServDB"
done
printf '127.0.0.1 localhost\n10.77.0.1 %s me\n' "$(hostname)" > "$box/hosts"
touch "$box/vicepa/AlwaysAttach"
mount --bind "$box/etc" /etc/openafs
mount --bind "$box/lib" /var/lib/openafs
mount --bind "$box/log" /var/log/openafs
mount --bind "$box/vicepa" /vicepa
mount --bind "$box/hosts" /etc/hosts
ip link set lo up
ip addr add 10.77.0.1/32 dev lo
exec "$@"
