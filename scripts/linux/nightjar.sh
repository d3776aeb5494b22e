#!/bin/sh
# The command `nightjar`: looks after an installation made by install.sh.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
etc=/etc/nightjar
units=/etc/systemd/system
# ROOT/bin/nightjar, where ROOT is PREFIX/versions/VERSION; called by a link.
root=$(dirname "$(dirname "$(readlink -f "$0")")")

usage() {
  cat <<'TEXT'
usage: nightjar COMMAND

  status             what runs, in which version; status 1 where server or recorder does not
  version            the version that is installed
  logs [OPTION …]    what they said last; options are those of journalctl, such as -f
  reset-admin        a new one-time password for the user admin, shown once
  make-space FOLDER  makes a folder ready to be a recording space, or gives one to Nightjar; then choose it in the desktop
  uninstall [OPTION …]  see nightjar uninstall --help
TEXT
}

say() { printf '%s\n' "$*"; }

die() {
  printf 'nightjar: %s\n' "$*" >&2
  exit 1
}

need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: sudo nightjar $1"; }

# Takes the settings into the environment, as systemd does. They are never run as commands.
read_settings() {
  [ -r "$etc/nightjar.env" ] || die "$etc/nightjar.env cannot be read; install Nightjar again"
  while IFS= read -r line || [ -n "$line" ]; do
    key=${line%%=*}
    case $key in
    "$line" | *[!A-Z0-9_]*) ;;
    NIGHTJAR_?*) export "$key=${line#*=}" ;;
    esac
  done <"$etc/nightjar.env"
}

main_pid() { systemctl show -p MainPID --value "$1.service"; }

# running_version PID: the version whose files it was started from. An upgrade leaves the recorder in its own.
running_version() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | sed -n 's|^.*/versions/\([^/]*\)/.*$|\1|p' | head -n 1
}

status() {
  state=0
  for unit in nightjar nightjar-recorder nightjar-root-door; do
    pid=$(main_pid "$unit")
    if [ "$pid" -gt 0 ]; then
      runs=$(running_version "$pid")
      say "$unit runs (process $pid${runs:+, version $runs})"
    else
      say "$unit does not run: $(systemctl is-active "$unit.service" || true)"
      [ "$unit" = nightjar-root-door ] || state=1
    fi
  done
  return "$state"
}

reset_admin() {
  need_root reset-admin
  read_settings
  cd "$NIGHTJAR_DATA_DIR" || die "reset-admin: $NIGHTJAR_DATA_DIR, of NIGHTJAR_DATA_DIR, is not there"
  umask 077
  # What it compiles is the server's to use again.
  NODE_COMPILE_CACHE=$NIGHTJAR_DATA_DIR/compile-cache
  export NODE_COMPILE_CACHE
  exec setpriv --reuid=nightjar --regid=nightjar --clear-groups --no-new-privs "$root/bin/nightjar-server" --reset-admin
}

# check_place FOLDER: refuses what cannot be, or must not be, a place for footage.
check_place() {
  # A tab or a newline too: the list of spaces has a line each.
  case $1 in
  /*) ;;
  *) die "make-space: FOLDER must begin with /, not $1" ;;
  esac
  case $1 in *[[:cntrl:]]* | *[\"\'\\:%\$]*) die "make-space: FOLDER must be without \" ' \\ : % \$ and control characters" ;; esac
  case $1/ in */../* | */./* | /?*//*) die "make-space: FOLDER must be without . and .. and double /, not $1" ;; esac
  case $1/ in
  // | /home/ | /mnt/ | /media/ | /srv/ | /opt/ | /var/ | /var/lib/)
    die "make-space: $1 is not for footage alone; name a folder in it"
    ;;
  /run/media/*) ;;
  /bin/* | /boot/* | /dev/* | /etc/* | /lib/* | /lib64/* | /proc/* | /run/* | /sbin/* | /sys/* | /usr/* | "$root"/*)
    die "make-space: $1 belongs to the system; take a folder elsewhere"
    ;;
  /tmp/* | /var/tmp/*) die "make-space: $1 is emptied by the system; take a folder elsewhere" ;;
  esac
  [ ! -L "$1" ] || die "make-space: $1 is a link; name the folder itself, $(readlink -f "$1")"
}

# has_footage FOLDER: whether a recording space was made in it.
has_footage() {
  for marker in "$1"/*/.nightjar-space; do [ ! -e "$marker" ] || return 0; done
  return 1
}

# Gives the folder to Nightjar. What belongs to somebody else is not taken.
give_folder() {
  if [ ! -d "$1" ]; then
    [ ! -e "$1" ] || die "make-space: $1 is no folder"
    mkdir -p "$1" || die "make-space: $1 could not be made"
  elif [ "$(stat -c %U "$1")" != nightjar ] && ! has_footage "$1"; then
    found=$(find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found | head -n 1)
    [ -z "$found" ] || die "make-space: $1 holds other files ($found); give it a folder of its own, such as $1/nightjar"
  fi
  chown nightjar:nightjar "$1" || die "make-space: $1 could not be given to nightjar; its file system may keep no owners"
  chmod 0750 "$1"
  # Footage of an earlier installation, whose user had another number.
  for marker in "$1"/*/.nightjar-space; do
    [ -e "$marker" ] || continue
    space=${marker%/*}
    [ "$(stat -c %U "$space")" = nightjar ] || chown -hR nightjar:nightjar "$space"
  done
  # shellcheck disable=SC2016 # for the inner shell
  if ! (cd / && setpriv --reuid=nightjar --regid=nightjar --clear-groups sh -c 'test -w "$1" && test -x "$1"' sh "$1"); then
    is_home "$1" || die "make-space: nightjar may not enter $1: a folder above it is closed to others (chmod o+x)"
  fi
}

# In homes, a service sees nothing but what is bound into it.
is_home() {
  case $1/ in /home/* | /root/* | /run/user/*) return 0 ;; esac
  return 1
}

# Writes which folders server and recorder may write to. A folder that is missing is no reason not to record to the others.
write_places() {
  read_settings
  for unit in nightjar nightjar-recorder; do
    mkdir -p "$units/$unit.service.d"
    {
      say "# Made by \`nightjar make-space\` from $etc/spaces."
      say '[Service]'
      {
        say "$NIGHTJAR_DATA_DIR"
        [ ! -f "$etc/spaces" ] || cat "$etc/spaces"
      } | while IFS= read -r place; do
        case $place in "" | \#*) continue ;; esac
        if is_home "$place"; then
          printf 'ProtectHome=tmpfs\nBindPaths="-%s"\n' "$place"
        else
          printf 'ReadWritePaths="-%s"\n' "$place"
        fi
      done
    } >"$units/$unit.service.d/10-spaces.conf.new"
    mv "$units/$unit.service.d/10-spaces.conf.new" "$units/$unit.service.d/10-spaces.conf"
  done
  systemctl daemon-reload
}

# Opens the folder for what runs. A running service can be shown a folder without a restart, but not one in a home.
open_running() {
  for unit in nightjar-recorder nightjar; do
    [ "$(main_pid "$unit")" -gt 0 ] || continue
    if is_home "$1" || ! systemctl bind "$unit.service" "$1" 2>/dev/null; then
      say "$unit is restarted, to see $1"
      systemctl restart "$unit.service"
    fi
  done
}

make_space() {
  [ $# -eq 1 ] || die 'make-space: name one FOLDER'
  folder=$1
  while [ "$folder" != "${folder%/}" ]; do folder=${folder%/}; done
  check_place "${folder:-/}"
  need_root "make-space $folder"
  give_folder "$folder"
  # The name without links above it is the one the kernel, and so the services, know.
  folder=$(readlink -f "$folder")
  check_place "$folder"
  if ! grep -qxF -e "$folder" "$etc/spaces" 2>/dev/null; then
    printf '%s\n' "$folder" >>"$etc/spaces"
  fi
  write_places
  open_running "$folder"
  say "$folder is ready: choose it in the desktop, Recording Storage, as the volume of a recording space."
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
status) status ;;
version) cat "$root/VERSION" ;;
logs)
  [ $# -gt 0 ] || set -- -n 100 --no-pager
  exec journalctl -u nightjar -u nightjar-recorder -u nightjar-root-door "$@"
  ;;
reset-admin) reset_admin ;;
make-space) make_space "$@" ;;
# Not for people: install.sh.
write-places)
  need_root write-places
  write_places
  ;;
uninstall) exec sh "$root/linux/uninstall.sh" "$@" ;;
help | -h | --help) usage ;;
*)
  printf 'nightjar: no command is called %s\n' "$command" >&2
  usage >&2
  exit 2
  ;;
esac
