#!/bin/sh
# Keeps file systems of the stall bench mounted for as long as its standard input is open, and freezes them when told to.
# A process of its own, in its own session: however the bench ends, what it froze thaws and what it mounted goes.
#
# usage: keep-volumes.sh SIZE_BYTES FOLDER …
# reads: holder PID          the process that uses them: it ends with them
#        freeze SECONDS FOLDER
# says: mounted, then thawed for each freeze, a word a line
set -eu
size_bytes=$1
shift
holder=''

is_mounted() { mountpoint -q "$1"; }

# Thawed first: a frozen file system that was detached could never be reached again.
release() {
  trap - EXIT
  set +e
  for folder; do
    is_mounted "$folder" || continue
    fsfreeze --unfreeze "$folder" 2>/dev/null
    tries=0
    until umount "$folder" 2>/dev/null; do
      tries=$((tries + 1))
      # The bench was killed, and could not end it.
      if [ "$tries" -eq 30 ] && [ -n "$holder" ]; then kill -KILL "$holder" 2>/dev/null; fi
      # Whoever else has files open there keeps it no longer than it lives itself.
      if [ "$tries" -gt 100 ]; then
        umount --lazy "$folder"
        break
      fi
      sleep 0.1
    done
  done
}

trap '' HUP INT TERM PIPE
trap 'release "$@"' EXIT

for folder; do
  truncate -s "$size_bytes" "$folder.img"
  # All at once: the kernel would otherwise go on writing the tables while we measure.
  mkfs.ext4 -q -F -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$folder.img"
  mkdir "$folder"
  mount -o loop "$folder.img" "$folder"
  # The loop device has it open: nothing of it stays behind once that is gone.
  rm "$folder.img"
done
echo mounted

while read -r word what folder; do
  case "$word" in
  holder) holder=$what ;;
  freeze)
    # A folder that is no mount point would have the machine's own disk frozen.
    is_mounted "$folder" || exit 1
    fsfreeze --freeze "$folder"
    sleep "$what" || true
    fsfreeze --unfreeze "$folder"
    echo thawed 2>/dev/null || exit 1
    ;;
  esac
done
