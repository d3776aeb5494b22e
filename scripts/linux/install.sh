#!/bin/sh
# Installs Nightjar on a Linux machine with systemd, or brings an installation to this version. It asks nothing; run again,
# it finishes what was cut off. Recording goes on while it upgrades.
set -eu
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
here=$(dirname "$(readlink -f "$0")")
etc=/etc/nightjar
units=/etc/systemd/system
command_link=/usr/local/bin/nightjar
service_names='nightjar-recorder nightjar-root-door nightjar'
# Seconds the server may take until it answers: it may wait for its database.
patience_sec=90
# Besides the program: room for databases and the smallest space.
data_room_kib=$((512 * 1024))

usage() {
  cat <<'TEXT'
usage: install.sh [options]

  --prefix FOLDER      where the program goes (/opt/nightjar)
  --data FOLDER        databases, keys and, unless there are other spaces, footage (/var/lib/nightjar)
  --port N             TCP port of the web desktop, 1 to 65535 (8971)
  --https-port N|off   TCP port of the same under TLS (8972)
  --database WHAT      sqlite, or mysql://USER:PASSWORD@HOST:PORT/NAME for MariaDB; - reads that from standard input, so
                       that no list of processes shows the password (sqlite)
  --space FOLDER       makes a folder ready for footage; may be given often. At the first installation, the first recording
                       space is made in the first of them
  --force              puts an older version over a newer one
  --uninstall          removes the program; see --uninstall --help

Ports and database are written to /etc/nightjar/nightjar.env, where they are changed later.
TEXT
}

say() { printf '%s\n' "$*"; }

die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# refuse WHAT: what was asked for is wrong; nothing was looked at yet.
refuse() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 2
}

# --- what is asked for

check_port() {
  case $2 in "" | *[!0-9]* | ??????*) refuse "$1: must be a whole number from 1 to 65535$3, not $2" ;; esac
  if [ "$2" -lt 1 ] || [ "$2" -gt 65535 ]; then refuse "$1: must be a whole number from 1 to 65535$3, not $2"; fi
}

check_folder() {
  case $2 in
  /?*) ;;
  *) refuse "$1: must begin with / and be no root of the machine, not $2" ;;
  esac
  case $2/ in
  *[!A-Za-z0-9/._+-]*) refuse "$1: may hold letters, digits and / . _ + - only, not $2" ;;
  */../* | */./* | *//*) refuse "$1: must be without . and .. and double or closing /, not $2" ;;
  /bin/* | /boot/* | /dev/* | /etc/* | /proc/* | /run/* | /sbin/* | /sys/* | /tmp/* | /var/tmp/*)
    refuse "$1: $2 is the system's own, or is emptied by it; take a folder elsewhere"
    ;;
  esac
}

check_database() {
  case $1 in
  sqlite) ;;
  mysql://*@*/?* | mariadb://*@*/?*)
    # The address may hold a password: it is not repeated.
    case $1 in *[[:space:][:cntrl:]\"\'\\#]*)
      refuse "--database: write what is no letter or digit in the password as % and two hexadecimal digits"
      ;;
    esac
    ;;
  *) refuse "--database: must be sqlite or mysql://USER:PASSWORD@HOST:PORT/NAME" ;;
  esac
}

prefix='' data='' port='' https_port='' database='' spaces='' is_forced=''
if [ "${1:-}" = --uninstall ]; then
  shift
  exec sh "$here/linux/uninstall.sh" "$@"
fi
while [ $# -gt 0 ]; do
  case $1 in
  --help | -h)
    usage
    exit 0
    ;;
  --force) is_forced=yes ;;
  --uninstall) refuse '--uninstall: must be the first option' ;;
  --prefix | --data | --port | --https-port | --database | --space)
    [ $# -ge 2 ] || refuse "$1: needs a value"
    case $1 in
    --prefix)
      check_folder "$1" "$2"
      # Services see no homes.
      case $2/ in /home/* | /root/*) refuse "$1: must not be in a home, as $2 is" ;; esac
      prefix=$2
      ;;
    --data)
      check_folder "$1" "$2"
      data=$2
      ;;
    --port)
      check_port "$1" "$2" ''
      port=$2
      ;;
    --https-port)
      [ "$2" = off ] || check_port "$1" "$2" ', or off'
      https_port=$2
      ;;
    --database)
      database=$2
      [ "$database" != - ] || IFS= read -r database || true
      check_database "$database"
      ;;
    --space)
      case $2 in
      *[[:cntrl:]]*) refuse '--space: must be without control characters' ;;
      /?*) ;;
      *) refuse "--space: must begin with / and be no root of the machine, not $2" ;;
      esac
      spaces="$spaces$2
"
      ;;
    esac
    shift
    ;;
  *) refuse "there is no option $1; see install.sh --help" ;;
  esac
  shift
done
[ -z "$port" ] || [ "$port" != "$https_port" ] || refuse "--https-port: must be another than --port, $port"

# --- what is there

# remembered KEY: of the installation that is there.
remembered() { [ ! -f "$etc/install.conf" ] || sed -n "s/^$1=//p" "$etc/install.conf"; }

# setting KEY: its value in the environment file; nothing where it is not set.
setting() { [ ! -f "$etc/nightjar.env" ] || sed -n "s/^$1=//p" "$etc/nightjar.env" | tail -n 1; }

# keep_or_refuse OPTION GIVEN KEY: the environment file is the administrator's: an option that differs does not change it.
keep_or_refuse() {
  [ -f "$etc/nightjar.env" ] && [ -n "$2" ] && [ "$2" != "$(setting "$3")" ] || return 0
  die "$1: $etc/nightjar.env says otherwise, and is kept; change $3 there"
}

# free_kib FOLDER: what is free where it is or will be.
free_kib() {
  place=$1
  while [ ! -d "$place" ]; do place=$(dirname "$place"); done
  df -Pk "$place" | awk 'NR == 2 { print $4 }'
}

# listens PORT: whether any program of this machine does.
listens() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

# is_older A B: by the numbers of both, parted by dots; what follows a - makes it older than the same without.
is_older() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    n = split(a, x, /[.+-]/); m = split(b, y, /[.+-]/)
    for (i = 1; i <= 3; i++) if (x[i] + 0 != y[i] + 0) exit !(x[i] + 0 < y[i] + 0)
    if (n > 3 && m > 3) exit !(a < b)
    exit !(n > 3 && m <= 3)
  }'
}

check_machine() {
  [ "$(id -u)" = 0 ] || die 'it needs root: sudo ./install.sh'
  wanted=$(cat "$here/linux/architecture")
  [ "$(uname -m)" = "$wanted" ] || die "this archive is for $wanted, this machine is $(uname -m)"
  [ -d /run/systemd/system ] || die 'systemd does not run here, and Nightjar is kept running by it'
  found=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
  [ "${found:-0}" -ge 247 ] || die "it needs systemd 247 or newer, this machine has ${found:-another}"
  # That it runs at all is better known before anything is changed.
  told=$("$here/bin/nightjar-server" --version 2>&1) || die "the program does not run on this machine: $told"
}

check_installed() {
  known=$(remembered prefix)
  [ -z "$known" ] || [ -z "$prefix" ] || [ "$prefix" = "$known" ] ||
    die "--prefix: Nightjar is installed in $known; leave --prefix out, or uninstall it first"
  prefix=${known:-${prefix:-/opt/nightjar}}
  keep_or_refuse --data "$data" NIGHTJAR_DATA_DIR
  keep_or_refuse --port "$port" NIGHTJAR_PORT
  keep_or_refuse --https-port "$https_port" NIGHTJAR_HTTPS_PORT
  # Where no database is named, it is SQLite.
  if [ "$database" != sqlite ] || [ -n "$(setting NIGHTJAR_DATABASE_URL)" ]; then
    keep_or_refuse --database "$database" NIGHTJAR_DATABASE_URL
  fi
  kept=$(setting NIGHTJAR_DATA_DIR)
  data=${kept:-${data:-/var/lib/nightjar}}
  check_folder NIGHTJAR_DATA_DIR "$data"
  kept=$(setting NIGHTJAR_PORT)
  port_used=${kept:-${port:-8971}}
  kept=$(setting NIGHTJAR_HTTPS_PORT)
  https_port_used=${kept:-${https_port:-8972}}
  version=$(cat "$here/VERSION")
  former=$(cat "$prefix/current/VERSION" 2>/dev/null || true)
  if [ -n "$former" ] && is_older "$version" "$former" && [ -z "$is_forced" ]; then
    die "version $former is installed, and this is $version: an older one may not read what a newer one wrote; --force does it"
  fi
  if [ -d "$data" ] && [ "$(stat -c %U "$data")" != nightjar ] && [ ! -e "$data/seal.key" ] &&
    [ -n "$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found | head -n 1)" ]; then
    die "--data: $data holds files of others; take a folder of its own, such as $data/nightjar"
  fi
  uid=$(id -u nightjar 2>/dev/null || true)
  [ -z "$uid" ] || [ "$uid" -lt 1000 ] || die 'the user nightjar is a person; Nightjar needs a system user of that name'
}

check_room() {
  need_kib=$(($(du -sk "$here" | cut -f 1) + 65536))
  have_kib=$(free_kib "$prefix")
  [ "$have_kib" -ge "$need_kib" ] ||
    die "--prefix: $prefix has $((have_kib / 1024)) MiB free, the program needs $((need_kib / 1024)) MiB"
  [ -e "$data/seal.key" ] && return
  have_kib=$(free_kib "$data")
  [ "$have_kib" -ge "$data_room_kib" ] ||
    die "--data: $data has $((have_kib / 1024)) MiB free, a new installation needs $((data_room_kib / 1024)) MiB"
}

check_ports() {
  # One that runs holds them itself.
  ! systemctl is-active -q nightjar.service || return 0
  ! listens "$port_used" || die "--port: $port_used is taken by another program; give another port"
  [ "$https_port_used" = off ] || ! listens "$https_port_used" ||
    die "--https-port: $https_port_used is taken by another program; give another port, or off"
}

# --- what is done

make_user() {
  [ -n "$uid" ] || useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin nightjar
  uid=$(id -u nightjar)
  gid=$(id -g nightjar)
  mkdir -p "$data"
  # Data of an installation whose user had another number.
  [ "$(stat -c %U "$data")" = nightjar ] || chown -hR nightjar:nightjar "$data"
  chmod 0700 "$data"
}

# set_key KEY VALUE FILE: puts the value in, in the place where the key stands.
set_key() {
  key=$1 value=$2 awk '
    !done && ($0 ~ "^#?" ENVIRON["key"] "=") { print ENVIRON["key"] "=" ENVIRON["value"]; done = 1; next }
    { print }' "$3" >"$3.set"
  mv "$3.set" "$3"
}

# The file is whole at every moment, and root's alone: it may hold the password of a database.
write_settings() (
  mkdir -p "$etc"
  umask 077
  new=$etc/nightjar.env.new
  if [ -f "$etc/nightjar.env" ]; then
    cat "$etc/nightjar.env" >"$new"
    # Blocks whose key is not there yet, not even as a comment.
    awk 'NR == FNR { if (match($0, /^#?NIGHTJAR_[A-Z0-9_]+=/)) { key = substr($0, 1, RLENGTH); sub(/^#/, "", key); known[key] } next }
      /^$/ { block = ""; next }
      { block = block $0 "\n" }
      match($0, /^#?NIGHTJAR_[A-Z0-9_]+=/) {
        key = substr($0, 1, RLENGTH); sub(/^#/, "", key)
        if (!(key in known)) printf "\n%s", block
        block = ""
      }' "$etc/nightjar.env" "$here/linux/nightjar.env" >>"$new"
  else
    cat "$here/linux/nightjar.env" >"$new"
    set_key NIGHTJAR_DATA_DIR "$data" "$new"
    [ -z "$port" ] || set_key NIGHTJAR_PORT "$port" "$new"
    [ -z "$https_port" ] || set_key NIGHTJAR_HTTPS_PORT "$https_port" "$new"
    [ -z "$database" ] || [ "$database" = sqlite ] || set_key NIGHTJAR_DATABASE_URL "$database" "$new"
    [ -z "$spaces" ] || set_key NIGHTJAR_VOLUME "$(printf '%s' "$spaces" | head -n 1)" "$new"
  fi
  mv "$new" "$etc/nightjar.env"
  printf 'prefix=%s\n' "$prefix" >"$etc/install.conf.new"
  mv "$etc/install.conf.new" "$etc/install.conf"
)

# The version beside the others, whole or not at all.
copy_program() {
  mkdir -p "$prefix/versions"
  rm -rf "$prefix/versions"/.new-* "$prefix/versions"/.old-*
  # Run again, or from there: it is there already.
  ! diff -rq "$here" "$prefix/versions/$version" >/dev/null 2>&1 || return 0
  cp -R "$here" "$prefix/versions/.new-$version"
  chown -hR root:root "$prefix/versions/.new-$version"
  # The tree may have been unpacked under a mask that keeps others out.
  chmod -R go=u-w "$prefix/versions/.new-$version"
  # Safe on disk before it has its name, so that a power cut leaves no version half there.
  sync -f "$prefix/versions"
  # What runs from a folder of the same version goes on from it while it is swapped.
  [ ! -d "$prefix/versions/$version" ] || mv "$prefix/versions/$version" "$prefix/versions/.old-$version"
  mv "$prefix/versions/.new-$version" "$prefix/versions/$version"
  rm -rf "$prefix/versions"/.old-*
}

write_units() {
  low_port='# Its ports are above 1023: it needs no capability.'
  for one in "$port_used" "$https_port_used"; do
    [ "$one" = off ] || [ "$one" -ge 1024 ] || low_port='AmbientCapabilities=CAP_NET_BIND_SERVICE\
CapabilityBoundingSet=CAP_NET_BIND_SERVICE'
  done
  for unit in $service_names; do
    sed -e "/^@hardening@\$/{r $here/linux/hardening.conf
d;}" "$here/linux/$unit.service" |
      sed -e "s|@prefix@|$prefix|g;s|@data@|$data|g;s|@uid@|$uid|g;s|@gid@|$gid|g" -e "s|^@capabilities@\$|$low_port|" \
        >"$units/$unit.service.new"
    mv "$units/$unit.service.new" "$units/$unit.service"
  done
}

# swap_link TARGET LINK: by rename, so that there is one at every moment.
swap_link() {
  ln -sfn "$1" "$2.new"
  mv -T "$2.new" "$2"
}

start_services() {
  # shellcheck disable=SC2086 # a list of units
  systemctl -q enable $service_names
  # The recorder is left alone where it runs: nothing is lost. A server that speaks another language replaces it.
  systemctl start nightjar-recorder.service
  systemctl restart nightjar-root-door.service nightjar.service
}

# told_by_server: what it said since it was started last.
told_by_server() {
  run=$(systemctl show -p InvocationID --value nightjar.service)
  journalctl -q --no-pager -o cat "_SYSTEMD_INVOCATION_ID=$run" 2>/dev/null || true
}

wait_for_server() {
  waited=0
  while [ "$waited" -lt "$patience_sec" ]; do
    case $(told_by_server) in *'Nightjar is at http'*) return 0 ;; esac
    case $(systemctl show -p NRestarts --value nightjar.service) in 0 | 1 | 2) ;; *) return 1 ;; esac
    sleep 1
    waited=$((waited + 1))
  done
  return 1
}

# Versions that neither run nor were the last: removed.
remove_former() {
  for folder in "$prefix/versions"/*; do
    one=${folder##*/}
    if [ "$one" != "$version" ] && [ "$one" != "$former" ] && ! runs_from "$folder"; then rm -rf "$folder"; fi
  done
}

runs_from() {
  for unit in $service_names; do
    pid=$(systemctl show -p MainPID --value "$unit.service")
    if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/"; then return 0; fi
  done
  return 1
}

tell() {
  # Where it listens to this machine alone, its own address is the right one.
  address=''
  case $(setting NIGHTJAR_HOST) in "" | 0.0.0.0 | ::) address=$(hostname -I 2>/dev/null | cut -d ' ' -f 1) ;; esac
  say ''
  say "Nightjar $version runs."
  told_by_server | sed -n "s#^Nightjar under TLS: #  #p;s#^Nightjar is at #  #p" | sed "s#//127\.0\.0\.1:#//${address:-127.0.0.1}:#"
  if [ -n "$is_first" ]; then
    say "Log in as admin. The one-time password is kept nowhere; this prints one:  sudo nightjar reset-admin"
  fi
  recorder=$(systemctl show -p MainPID --value nightjar-recorder.service)
  runs=$(tr '\0' '\n' 2>/dev/null <"/proc/$recorder/cmdline" | sed -n 's|^.*/versions/\([^/]*\)/.*$|\1|p' | head -n 1)
  if [ -n "$runs" ] && [ "$runs" != "$version" ]; then
    say "Recording goes on with the recorder of version $runs. It becomes $version at the next boot, or at once, for about"
    say "two seconds of footage, by:  sudo systemctl restart nightjar-recorder"
  fi
}

check_machine
exec 9>/run/nightjar-install.lock
flock -n 9 || die 'another installation runs'
check_installed
check_room
check_ports
is_first=yes
[ ! -f "$etc/nightjar.env" ] || is_first=''
say "Nightjar $version${former:+ over $former}: program in $prefix, data in $data"
say '- user and data folder'
make_user
say '- settings'
write_settings
say '- program'
copy_program
say '- services'
write_units
swap_link "versions/$version" "$prefix/current"
if [ -e "$command_link" ] && [ "$(readlink "$command_link")" != "$prefix/current/bin/nightjar" ]; then
  say "  $command_link is not Nightjar's and is left; the command is $prefix/current/bin/nightjar"
else
  swap_link "$prefix/current/bin/nightjar" "$command_link"
fi
"$prefix/current/bin/nightjar" write-places
printf '%s' "$spaces" | while IFS= read -r space; do
  say "- space $space"
  "$prefix/current/bin/nightjar" make-space "$space"
done
start_services
say '- waiting for the server to answer'
if ! wait_for_server; then
  printf 'install.sh: the server does not answer; its last words:\n' >&2
  told_by_server | tail -n 5 >&2
  die 'set right what it says, in /etc/nightjar/nightjar.env if it is a setting, and run this again'
fi
remove_former
tell
