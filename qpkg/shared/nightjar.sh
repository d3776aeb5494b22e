#!/bin/sh
# Nightjar's service on QTS: start, stop, restart, status, remove; mounted and unmounting VOLUME; reset-admin; and
# `handover`, which ends the server and leaves the recorder to the next one.
#
# Plain POSIX, for whatever shell and tools a firmware has. It sets no LD_LIBRARY_PATH: the NAS's own tools run here too.
name=Nightjar
qpkg_conf=/etc/config/qpkg.conf
nightjar_conf=/etc/config/nightjar.conf
pid_file=/var/run/nightjar.pid
icon_folder=/home/httpd/RSS/images
# The most a stop may take, in seconds: the server's part, the recorder's. The recorder needs 3 to close all segments.
server_stop_sec=10
recorder_stop_sec=6
# A server that does not answer after so many seconds, but lives, is taken for started: it may wait for its database.
settle_sec=10
# An unmounting volume is waited for so long, in seconds, before what is left of the spaces records again.
unmount_sec=60
most_log_lines=20000
PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin
export PATH
umask 022

# setting KEY DEFAULT: of this package, in the NAS's list of packages. getcfg's exit status differs between versions.
setting() {
  found=""
  [ ! -x /sbin/getcfg ] || found=$(/sbin/getcfg "$name" "$1" -d "" -f "$qpkg_conf" 2>/dev/null)
  echo "${found:-$2}"
}

# Where this script really is: it is also called by its link in /etc/init.d.
own_folder() {
  path=$0
  if [ -L "$path" ] && command -v readlink >/dev/null 2>&1; then path=$(readlink "$path"); fi
  (cd "$(dirname "$path")" && pwd)
}

# Takes the NIGHTJAR_ keys of the conf file into the environment. They are never run as commands.
read_conf() {
  NIGHTJAR_PORT=$(setting Web_Port 8971)
  NIGHTJAR_BASE_PATH=$(setting WebUI /qvrpro/)
  # The NAS's own web port has the certificate, and leads here.
  NIGHTJAR_HTTPS_PORT=off
  # Beside QVR Pro, whose path is its own, so are its folders.
  case $NIGHTJAR_BASE_PATH in
  /nightjar/) NIGHTJAR_FOLDER_NAMES=nightjar ;;
  *) NIGHTJAR_FOLDER_NAMES=qvrpro ;;
  esac
  export NIGHTJAR_PORT NIGHTJAR_BASE_PATH NIGHTJAR_HTTPS_PORT NIGHTJAR_FOLDER_NAMES
  if [ -f "$nightjar_conf" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      key=${line%%=*}
      case $key in
      "$line" | *[!A-Z0-9_]*) ;;
      NIGHTJAR_?*) export "$key=${line#*=}" ;;
      esac
    done <"$nightjar_conf"
  fi
  # Where the conf file is gone: beside the installation, as it was first written.
  data_dir=${NIGHTJAR_DATA_DIR:-${root%/.qpkg/*}/NightjarData}
  NIGHTJAR_DATA_DIR=$data_dir
  export NIGHTJAR_DATA_DIR
}

# mount_of PATH: the mount point that holds it.
mount_of() {
  awk -v path="$1/" '{ point = $2; if (point != "/") point = point "/" }
    index(path, point) == 1 && length(point) > length(best) { best = point }
    END { if (best != "/") sub("/$", "", best); print best }' /proc/mounts
}

# The root of a NAS, and /share, are in memory: what is written there while a volume is away would be gone, and hidden.
has_its_volume() {
  case $(mount_of "$data_dir") in "" | / | /share) return 1 ;; esac
}

# is_ours PID: whether it runs, and is of this package: numbers are used again.
is_ours() {
  case $1 in "" | *[!0-9]*) return 1 ;; esac
  kill -0 "$1" 2>/dev/null && grep -q "QNAP_QPKG=$name" "/proc/$1/environ" 2>/dev/null
}

pid_in() { [ ! -f "$1" ] || head -n 1 "$1"; }

server_pid() {
  found=$(pid_in "$pid_file")
  is_ours "$found" && echo "$found"
}

recorder_pid() {
  found=$(pid_in "$data_dir/recorder.pid")
  is_ours "$found" && echo "$found"
}

# end_process PID SEC WHAT: asks it to end, and after so long makes it.
end_process() {
  kill -TERM "$1" 2>/dev/null
  waited=0
  while is_ours "$1"; do
    if [ "$waited" -ge "$2" ]; then
      echo "$name: the $3 did not end within $2 s and is killed" >&2
      kill -KILL "$1" 2>/dev/null
      sleep 1
      return
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

stop_server() {
  pid=$(server_pid) && end_process "$pid" "$server_stop_sec" server
  rm -f "$pid_file"
}

# The server first: it would start another recorder.
stop_all() {
  was_running=$(server_pid)
  stop_server
  pid=$(recorder_pid)
  if [ -z "$pid" ] && [ -n "$was_running" ]; then
    # One that the server has just started has not told its number yet.
    sleep 1
    pid=$(recorder_pid)
  fi
  [ -z "$pid" ] || end_process "$pid" "$recorder_stop_sec" recorder
}

# The root of a NAS is made anew at each boot.
link_into_system() {
  [ ! -d /etc/init.d ] || ln -sf "$root/nightjar.sh" /etc/init.d/nightjar.sh
  [ -d "$icon_folder" ] || return 0
  cp "$root/.qpkg_icon.gif" "$icon_folder/$name.gif"
  cp "$root/.qpkg_icon_80.gif" "$icon_folder/${name}_80.gif"
  cp "$root/.qpkg_icon_gray.gif" "$icon_folder/${name}_gray.gif"
}

# register KEY PATH: where the NAS finds a part of this package. App Center moves packages, and may rewrite less than all.
register() {
  if [ ! -x /sbin/setcfg ] || [ ! -f "$2" ] || [ "$(setting "$1" "$2")" = "$2" ]; then return 0; fi
  /sbin/setcfg "$name" "$1" "$2" -f "$qpkg_conf" || echo "$name: $qpkg_conf cannot be written ($1)" >&2
}

# Writes the server's output to its log, begins the log anew when it is long, and leaves out the one-time password that
# the server prints at its first start: no file keeps one.
keep_log() {
  trap '' HUP INT TERM
  umask 077
  lines=0
  while IFS= read -r line; do
    case $line in *"first login"*) line="a first password was made; nightjar.sh reset-admin gives another" ;; esac
    if [ "$lines" -ge "$most_log_lines" ]; then
      mv -f "$data_dir/server.log" "$data_dir/server.log.1"
      lines=0
    fi
    printf '%s\n' "$line" >>"$data_dir/server.log"
    lines=$((lines + 1))
  done
}

launch() {
  cd "$data_dir" || return 1
  [ ! -f server.log ] || mv -f server.log server.log.1
  QNAP_QPKG=$name
  export QNAP_QPKG
  # A session of its own, where there is the tool: signals to App Center's are not for it.
  setsid=""
  command -v setsid >/dev/null 2>&1 && setsid=setsid
  (
    trap '' HUP
    # shellcheck disable=SC2016 # for the inner shell
    $setsid sh -c 'echo $$ >"$1"; exec "$2"' sh "$pid_file" "$root/bin/nightjar-server" 2>&1 | keep_log
  ) </dev/null >/dev/null 2>&1 &
}

start() {
  if [ "$(setting Enable FALSE)" != TRUE ]; then
    echo "$name is disabled."
    return 1
  fi
  if server_pid >/dev/null; then
    echo "$name already runs."
    return 0
  fi
  if [ ! -x "$root/bin/nightjar-server" ]; then
    echo "$name: $root/bin/nightjar-server is missing; install the package again" >&2
    return 1
  fi
  case $data_dir in
  /*) ;;
  *)
    echo "$name: NIGHTJAR_DATA_DIR in $nightjar_conf must begin with /, not $data_dir" >&2
    return 1
    ;;
  esac
  if ! has_its_volume; then
    echo "$name: the volume of its data ($data_dir) is not mounted; it starts when it is" >&2
    return 1
  fi
  if [ ! -d "$data_dir" ]; then (umask 077 && mkdir -p "$data_dir") || return 1; fi
  link_into_system
  register Mount_Action "$root/nightjar-mounted.sh"
  register Unmount_Action "$root/nightjar-unmounting.sh"
  rm -f "$pid_file"
  launch || return 1
  waited=0
  while [ "$waited" -lt "$settle_sec" ]; do
    sleep 1
    waited=$((waited + 1))
    if grep -q "^$name is at " "$data_dir/server.log" 2>/dev/null; then break; fi
    # Its number is there, and it is not.
    if [ -s "$pid_file" ] && ! server_pid >/dev/null; then break; fi
  done
  if server_pid >/dev/null; then
    echo "$name runs on port $NIGHTJAR_PORT."
    return 0
  fi
  echo "$name ended at once; its last words, in $data_dir/server.log:" >&2
  tail -n 1 "$data_dir/server.log" >&2
  rm -f "$pid_file"
  return 1
}

# uses VOLUME: whether a process of ours holds a file there.
uses() {
  for pid in $(server_pid) $(recorder_pid); do
    for handle in "/proc/$pid/fd"/*; do
      case $(readlink "$handle" 2>/dev/null) in "$1"/*) return 0 ;; esac
    done
  done
  return 1
}

# volume_path NAME-OR-PATH: QTS may say either.
volume_path() {
  case $1 in
  "") ;;
  /*) echo "${1%/}" ;;
  *) echo "/share/$1" ;;
  esac
}

is_mounted() { [ "$(mount_of "$1")" = "$1" ]; }

# Ours must not hold the volume, and the other spaces must not stop recording for long: all ends, and starts again once
# the volume is gone, without it.
unmounting() {
  volume=$(volume_path "$1")
  if [ -z "$volume" ]; then
    echo "$name: unmounting needs the volume's path" >&2
    return 1
  fi
  is_running=$(server_pid)
  case $data_dir/ in "$volume"/*)
    stop_all
    return 0
    ;;
  esac
  uses "$volume" || return 0
  stop_all
  [ -n "$is_running" ] || return 0
  (
    trap '' HUP
    waited=0
    while is_mounted "$volume" && [ "$waited" -lt "$unmount_sec" ]; do
      sleep 1
      waited=$((waited + 1))
    done
    start
  ) </dev/null >/dev/null 2>&1 &
}

status() {
  if pid=$(server_pid); then echo "$name runs (server $pid, recorder $(recorder_pid || echo none))."; else
    echo "$name does not run$(pid=$(recorder_pid) && echo "; its recorder does ($pid)")."
    return 1
  fi
}

root=$(setting Install_Path "")
[ -n "$root" ] && [ -d "$root" ] || root=$(own_folder)
read_conf
case ${1:-} in
start) start || exit 1 ;;
stop) stop_all ;;
restart)
  stop_server
  start || exit 1
  ;;
handover) stop_server ;;
status) status || exit 1 ;;
mounted)
  # The volume may be the one that was missing at boot.
  if [ "$(setting Enable FALSE)" = TRUE ] && ! server_pid >/dev/null && has_its_volume; then start || exit 1; fi
  ;;
unmounting) unmounting "${2:-}" || exit 1 ;;
remove)
  stop_all
  echo "$name: settings and footage stay in $data_dir; recording spaces on other volumes stay too."
  echo "$name: $nightjar_conf stays, so that a new installation finds them. Delete both to forget everything."
  ;;
remove-data)
  # All of it, for good: the name of this NAS is typed by whoever means it.
  if [ "${2:-}" != "$(/sbin/getcfg System "Server Name" 2>/dev/null)" ] || [ -z "${2:-}" ]; then
    echo "$name: to remove settings and all footage, say: nightjar.sh remove-data NAME-OF-THIS-NAS" >&2
    exit 2
  fi
  stop_all
  cd "$data_dir" || exit 1
  "$root/bin/nightjar-server" --remove-all-data || exit 1
  rm -f "$data_dir/server.log" "$data_dir/server.log.1" "$nightjar_conf"
  cd / && rmdir "$data_dir" 2>/dev/null
  ;;
reset-admin)
  cd "$data_dir" || exit 1
  exec "$root/bin/nightjar-server" --reset-admin
  ;;
*)
  echo "usage: nightjar.sh start|stop|restart|status|remove|remove-data|reset-admin|handover|mounted|unmounting VOLUME" >&2
  exit 2
  ;;
esac
exit 0
