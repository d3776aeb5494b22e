#!/bin/sh
# Removes Nightjar from a machine. Footage goes only where it is asked for by a word of its own.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
etc=/etc/nightjar
units=/etc/systemd/system
command_link=/usr/local/bin/nightjar
service_names='nightjar nightjar-recorder nightjar-root-door'

usage() {
  cat <<'TEXT'
usage: install.sh --uninstall [options]     or: nightjar uninstall [options]

Removes the program and its services. Settings and footage stay, and a new installation finds them.

  --remove-data       removes settings, databases and keys too, once the name of this machine has been typed
  --remove-footage    with --remove-data: removes the recording spaces too, those folders with a space's marker and no others
  --yes-remove NAME   the name of this machine, for scripts: it is not asked for
TEXT
}

say() { printf '%s\n' "$*"; }

die() {
  printf 'uninstall: %s\n' "$*" >&2
  exit "${status:-1}"
}

removes_data='' removes_footage='' typed='' status=2
while [ $# -gt 0 ]; do
  case $1 in
  --help | -h)
    usage
    exit 0
    ;;
  --remove-data) removes_data=yes ;;
  --remove-footage) removes_footage=yes ;;
  --yes-remove)
    [ $# -ge 2 ] || die '--yes-remove: needs the name of this machine'
    typed=$2
    shift
    ;;
  *) die "there is no option $1; see --uninstall --help" ;;
  esac
  shift
done
[ -n "$removes_data" ] || [ -z "$removes_footage$typed" ] || die '--remove-footage, --yes-remove: only with --remove-data'
status=1
[ "$(id -u)" = 0 ] || die 'it needs root'
prefix=''
[ ! -f "$etc/install.conf" ] || prefix=$(sed -n 's/^prefix=//p' "$etc/install.conf")
data=''
[ ! -f "$etc/nightjar.env" ] || data=$(sed -n 's/^NIGHTJAR_DATA_DIR=//p' "$etc/nightjar.env" | tail -n 1)
[ -n "$prefix$data" ] || die "nothing is installed here: there is no $etc"

# marked_spaces: the folders with a space's marker, in the data folder and in those made ready by make-space.
marked_spaces() {
  {
    [ -z "$data" ] || say "$data/volume"
    [ ! -f "$etc/spaces" ] || cat "$etc/spaces"
    [ ! -f "$etc/nightjar.env" ] || sed -n 's/^NIGHTJAR_VOLUME=//p' "$etc/nightjar.env"
  } | sort -u | while IFS= read -r place; do
    for marker in "$place"/*/.nightjar-space; do
      if [ -f "$marker" ]; then say "${marker%/.nightjar-space}"; fi
    done
  done
}

if [ -n "$removes_data" ]; then
  name=$(uname -n)
  if [ -z "$typed" ]; then
    say "This removes the settings, accounts, databases and keys of Nightjar in $data and $etc."
    if [ -n "$removes_footage" ]; then
      say 'It removes the footage in these recording spaces:'
      marked_spaces | sed 's/^/  /'
    else
      say 'Footage stays, and can be read without Nightjar.'
    fi
    printf 'Type the name of this machine, %s, to go on: ' "$name"
    IFS= read -r typed || true
  fi
  [ "$typed" = "$name" ] || die "nothing was removed: the name of this machine is $name, not ${typed:-(nothing)}"
fi

say '- services'
# The server first: what it has to tell the recorder, it tells while both run.
for unit in $service_names; do
  systemctl -q disable --now "$unit.service" 2>/dev/null || true
  rm -rf "$units/$unit.service" "$units/$unit.service.d"
done
systemctl daemon-reload
# shellcheck disable=SC2086 # a list of units
systemctl reset-failed $service_names 2>/dev/null || true
say '- program'
[ "$(readlink "$command_link" 2>/dev/null)" != "$prefix/current/bin/nightjar" ] || rm -f "$command_link"
if [ -n "$prefix" ]; then
  rm -rf "$prefix/versions" "$prefix/current" "$prefix/current.new"
  rmdir "$prefix" 2>/dev/null || true
fi
rm -f "$etc/install.conf"

if [ -z "$removes_data" ]; then
  say "Settings stay in $etc, databases and keys in $data. A new installation finds them."
  marked_spaces | sed 's/^/Footage stays in /'
  exit 0
fi

say '- settings'
spaces=$(marked_spaces)
if [ -n "$data" ]; then
  # By name: whatever else somebody keeps there is theirs.
  (
    cd "$data" 2>/dev/null || exit 0
    rm -rf settings.sqlite* index.sqlite* seal.key recorder-settings.sealed* recorder.sock recorder.bell recorder.pid \
      recorder.log compile-cache sound-cache
  )
fi
if [ -n "$removes_footage" ]; then
  printf '%s\n' "$spaces" | while IFS= read -r space; do
    [ -f "$space/.nightjar-space" ] || continue
    say "- footage in $space"
    rm -rf "$space"
  done
  spaces=''
fi
for place in "$data/volume" "$data"; do rmdir "$place" 2>/dev/null || true; done
grep -q '^NIGHTJAR_DATABASE_URL=' "$etc/nightjar.env" 2>/dev/null &&
  say 'The databases on the MariaDB server stay; drop them there.'
rm -rf "$etc"
[ ! -e "$data" ] || say "$data stays: it holds something else than settings."
if [ -n "$spaces" ]; then
  printf '%s\n' "$spaces" | sed 's/^/Footage stays in /'
  say 'The user nightjar stays, because it is theirs.'
elif [ ! -e "$data" ]; then
  userdel nightjar 2>/dev/null || true
fi
