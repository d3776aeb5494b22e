#!/bin/sh
# The programs of a simulated NAS, all in one: run by small scripts in its root (simulated-nas.ts).
#
# Usage: nas-tools.sh ROOT NAME ARGUMENTS
root=$1
name=$2
shift 2
state=$root/etc/simulated

[ -d "$root/tmp" ] || mkdir "$root/tmp"
# A line a call; the unit separator parts the arguments.
{
  printf '%s' "$name"
  [ $# -eq 0 ] || printf '\037%s' "$@"
  echo
} >>"$root/tmp/tools.trace"

[ -e "$state/hang-$name" ] && exec sleep 60
[ -e "$state/babble-$name" ] && exec yes

# getcfg SECTION KEY [-d DEFAULT] [-u] [-f FILE], options anywhere. Strict: capitals count, and a default ends with 1 too.
getcfg() {
  file=$root/etc/config/uLinux.conf
  section=
  key=
  default=
  upper=0
  places=0
  while [ $# -gt 0 ]; do
    case $1 in
      -f) file=$2; shift ;;
      -d) default=$2; shift ;;
      -u) upper=1 ;;
      *)
        places=$((places + 1))
        [ $places -eq 1 ] && section=$1
        [ $places -eq 2 ] && key=$1
        ;;
    esac
    shift
  done
  strict=0
  [ -e "$state/strict" ] && strict=1
  # The first match counts. Section "" is that of the lines before any.
  [ -r "$file" ] && SECTION=$section KEY=$key awk -v strict=$strict -v upper=$upper '
    function fold(text) { return strict ? text : tolower(text) }
    function trim(text) { gsub(/^[ \t\r]+|[ \t\r]+$/, "", text); return text }
    /^[ \t]*\[/ { here = $0; sub(/^[ \t]*\[/, "", here); sub(/\].*$/, "", here); next }
    (at = index($0, "=")) && fold(here) == fold(ENVIRON["SECTION"]) && fold(trim(substr($0, 1, at - 1))) == fold(ENVIRON["KEY"]) {
      value = trim(substr($0, at + 1))
      print upper ? toupper(value) : value
      found = 1
      exit
    }
    END { exit !found }' "$file" && return 0
  [ -z "$default" ] && return 1
  echo "$default"
  [ $strict -eq 0 ]
}

# What it does not know it calls "--", and ends well. The state: a line a fact, `vol_fs 4<TAB>EXT4`.
getsysinfo() {
  FACT="$*" awk -F '\t' '$1 == ENVIRON["FACT"] { print $2; found = 1; exit } END { if (!found) print "--" }' "$state/sysinfo"
}

wbinfo() {
  if [ ! -s "$root/etc/config/domain" ]; then
    echo 'could not obtain winbind separator!' >&2
    return 1
  fi
  case $1 in
    --separator) echo + ;;
    -u) printf 'OFFICE+carol\nOFFICE+dave\n' ;;
    -g) echo OFFICE+staff ;;
    *) return 1 ;;
  esac
}

# Keeps type, user, address and text of an entry, parted by the unit separator.
log_tool() {
  while [ $# -gt 1 ]; do
    case $1 in
      -t) type=$2 ;;
      -u) user=$2 ;;
      -p) address=$2 ;;
      -a) text=$2 ;;
    esac
    shift 2
  done
  printf '%s\037%s\037%s\037%s\n' "$type" "$user" "$address" "$text" >>"$root/etc/event.log"
}

case $name in
  getcfg | getsysinfo | wbinfo | log_tool) "$name" "$@" ;;
  reboot) printf 'restart by program' >"$root/tmp/power" ;;
  poweroff) printf 'shutdown by program' >"$root/tmp/power" ;;
esac
