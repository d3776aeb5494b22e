#!/bin/sh
# @NAME@ @VERSION@ for QTS: a package that unpacks itself and runs its installer. Behind this script stand two archives
# and 100 bytes that tell QTS what this file is.
# Exit status: 10, the installer has run (/tmp/update_process says how: 3 done, -1 failed); 1, it could not be run.
# header_md5=@HEADER_MD5@
name="@NAME@"
machine="@MACHINE@"
script_len=@SCRIPT_LEN@
control_md5=@CONTROL_MD5@
data_md5=@DATA_MD5@
progress=/tmp/update_process
qpkg_conf=/etc/config/qpkg.conf
PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin
export PATH
temp=""

# Tells the person, and App Center, that nothing was installed.
refuse() {
  echo "$name: $1" >&2
  [ ! -x /sbin/log_tool ] || /sbin/log_tool -t2 -uSystem -p127.0.0.1 -mlocalhost -a "[$name] $1"
  echo -1 >"$progress"
  [ -z "$temp" ] || rm -rf "$temp"
  exit 1
}

# setting SECTION KEY FILE: its value, or nothing.
setting() {
  [ ! -x /sbin/getcfg ] || /sbin/getcfg "$1" "$2" -d "" -f "$3" 2>/dev/null
}

# The volume that the package is for: what App Center chose; where it is installed; that of the folder Public.
find_base() {
  if [ -n "${QINSTALL_PATH:-}" ]; then
    base=${QINSTALL_PATH%/}
    base=${base%/.qpkg}
    [ -d "$base" ] || refuse "the volume chosen is not there: $QINSTALL_PATH"
    return
  fi
  installed=$(setting "$name" Install_Path "$qpkg_conf")
  base=${installed%/.qpkg/*}
  # NAME.old: an upgrade that was interrupted left it so.
  if [ -n "$base" ] && { [ -d "$installed" ] || [ -d "$installed.old" ]; }; then return; fi
  base=$(setting Public path /etc/config/smb.conf | cut -d / -f 1-3)
  if [ -n "$base" ] && [ -d "$base/Public" ]; then return; fi
  for base in "$(setting SHARE_DEF defVolMP /etc/config/def_share.info)" /share/CACHEDEV1_DATA \
    /share/HD[A-L]_DATA /share/MD[0-3]_DATA; do
    if [ -n "$base" ] && [ -d "$base/Public" ]; then return; fi
  done
  refuse "no volume with a folder Public was found; create a storage volume first"
}

# is_intact FILE MD5: true too where the tool that tells is missing.
is_intact() {
  [ -z "$(command -v md5sum)" ] || [ "$(md5sum <"$1" | cut -c 1-32)" = "$2" ]
}

too_full() { refuse "the package cannot be copied to $temp; is the volume full?"; }

# Programs that read packages look for these lines in this form: expr and all.
# shellcheck disable=SC2003
unpack() {
  # Both archives begin and end at multiples of 1024, so dd copies whole blocks.
  /bin/dd if="$package" bs=1024 skip="$(/usr/bin/expr $script_len / 1024)" count=@CONTROL_BLOCKS@ of="$temp/control.tar" 2>/dev/null || too_full
  offset=$(/usr/bin/expr $script_len + @CONTROL_BYTES@)
  /bin/dd if="$package" bs=1024 skip="$(/usr/bin/expr "$offset" / 1024)" count=@DATA_BLOCKS@ of="$temp/data.tar.gz" 2>/dev/null || too_full
  offset=$(/usr/bin/expr "$offset" + @DATA_BYTES@)
  is_intact "$temp/control.tar" $control_md5 || refuse "the package is damaged: the sum of its control part is wrong. Download it again"
  is_intact "$temp/data.tar.gz" $data_md5 || refuse "the package is damaged: the sum of its data part is wrong. Download it again"
  /bin/tar -xf "$temp/control.tar" -C "$temp" || refuse "the control part cannot be unpacked in $temp; is the volume full?"
  /bin/tar -xzf "$temp/control.tar.gz" -C "$temp" || refuse "the control part cannot be unpacked in $temp; is the volume full?"
  rm -f "$temp/control.tar" "$temp/control.tar.gz"
}

main() {
  package=$0
  if ! /bin/grep -q ' /mnt/HDA_ROOT ' /proc/mounts; then
    echo "$name: this is no QNAP NAS, or its system volume is not mounted" >&2
    exit 1
  fi
  echo 0 >"$progress"
  if [ -n "$machine" ] && [ "$(uname -m)" != "$machine" ]; then
    refuse "this package is for $machine, this NAS is $(uname -m)"
  fi
  find_base
  temp=$base/.qpkg/.tmp-$name
  trap 'refuse "the installation was interrupted"' HUP INT TERM
  rm -rf "$temp"
  mkdir -p "$temp" || refuse "no folder can be made in $base"
  echo "$name: installing on $base"
  unpack
  trap '' HUP
  (cd "$temp" && /bin/sh ./qinstall.sh) || {
    echo "$name: Installation Abort." >&2
    [ "$(cat "$progress" 2>/dev/null)" = -1 ] || echo -1 >"$progress"
  }
  rm -rf "$temp"
  exit 10
}

@PADDING@
main
# Never reached: it is the end that is looked for.
# shellcheck disable=SC2317
exit 1
