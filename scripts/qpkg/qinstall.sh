#!/bin/sh
# Installs the package that was unpacked in this folder, or puts it in the place of an older version.
#
# The new files are laid out beside the old ones and take their place by renaming, so that whatever interrupts an
# installation, one whole version is there: it, or the next installation, finds `NAME.old` and `NAME.new` and goes on.
# /tmp/update_process: 0 begun, 1 checked, 2 files in place, 3 done, -1 failed. Exit status: 0 done, 1 failed.
PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin
export PATH
umask 022
qpkg_conf=/etc/config/qpkg.conf
progress=/tmp/update_process
icon_folder=/home/httpd/RSS/images
# What was stopped for this, to be started again where it fails.
stopped_program=""
is_swapped=""

step() { echo "$1" >"$progress"; }

# tell LEVEL TEXT: to the person, and into the NAS's log. 0 info, 1 warning, 2 error.
tell() {
  echo "[$QPKG_NAME] $2"
  if [ -x /sbin/log_tool ]; then
    /sbin/log_tool "-t$1" -uSystem -p127.0.0.1 -mlocalhost -a "[$QPKG_NAME] $2"
  elif [ -x /sbin/write_log ]; then
    case $1 in 0) kind=4 ;; 1) kind=2 ;; *) kind=1 ;; esac
    /sbin/write_log "[$QPKG_NAME] $2" "$kind"
  fi
}

# fail TEXT: leaves what was installed before as it was, running if it ran.
fail() {
  tell 2 "was not installed: $1"
  step -1
  if [ -n "$is_swapped" ] && [ -d "$old_dir" ]; then mv "$install_dir" "$new_dir" && mv "$old_dir" "$install_dir"; fi
  rm -rf "$new_dir"
  [ -z "$stopped_program" ] || "$stopped_program" start
  exit 1
}

# setting KEY [DEFAULT]: of this package, in the NAS's list of packages. getcfg's exit status differs between versions.
setting() {
  value=$(/sbin/getcfg "$QPKG_NAME" "$1" -d "" -f "$qpkg_conf" 2>/dev/null)
  echo "${value:-$2}"
}

# keep KEY VALUE: nothing is written for an empty value.
keep() {
  [ -z "$2" ] || /sbin/setcfg "$QPKG_NAME" "$1" "$2" -f "$qpkg_conf" || fail "$qpkg_conf cannot be written ($1)"
}

# number_of MAJOR.MINOR.BUILD: one number to compare by. What is missing counts as 0.
number_of() {
  echo "$1" | awk -F. '{ printf "%d\n", $1 * 1000000 + $2 * 1000 + $3 }'
}

check_firmware() {
  firmware=$(/sbin/getcfg System Version -d "" -f /etc/default_config/uLinux.conf 2>/dev/null)
  [ -n "$firmware" ] || return 0
  if [ -n "$QTS_MINI_VERSION" ] && [ "$(number_of "$firmware")" -lt "$(number_of "$QTS_MINI_VERSION")" ]; then
    fail "it needs QTS $QTS_MINI_VERSION or newer, this is $firmware"
  fi
  if [ -n "$QTS_MAX_VERSION" ] && [ "$(number_of "$firmware")" -gt "$(number_of "$QTS_MAX_VERSION")" ]; then
    fail "it needs QTS $QTS_MAX_VERSION or older, this is $firmware"
  fi
}

# An installation that was interrupted between two renamings left the old version under its other name.
recover() {
  if [ -d "$old_dir" ]; then
    if [ -d "$install_dir" ]; then rm -rf "$old_dir"; else mv "$old_dir" "$install_dir"; fi
  fi
  rm -rf "$new_dir"
}

lay_out() {
  mkdir -p "$new_dir" || fail "$new_dir cannot be made"
  /bin/tar -xzf data.tar.gz -C "$new_dir" || fail "its files cannot be unpacked in $new_dir; is the volume full?"
  [ -z "$QPKG_SERVICE_PROGRAM" ] || [ -f "$new_dir/$QPKG_SERVICE_PROGRAM" ] ||
    fail "$QPKG_SERVICE_PROGRAM is not among its files"
  /bin/tar -xzf conf.tar.gz -C / || fail "its configuration cannot be unpacked"
  sync
}

# A package that runs gets the chance to hand over (`handover`, where its script knows it) what must not be interrupted.
stop_running() {
  program=$current_dir/$QPKG_SERVICE_PROGRAM
  if [ -z "$current_dir" ] || [ -z "$QPKG_SERVICE_PROGRAM" ] || [ ! -f "$program" ]; then return; fi
  "$program" status >/dev/null 2>&1 && stopped_program=$program
  if grep -q '^handover)' "$program"; then "$program" handover; else "$program" stop; fi
}

put_in_place() {
  if [ -d "$install_dir" ]; then mv "$install_dir" "$old_dir" || fail "$install_dir cannot be renamed"; fi
  if ! mv "$new_dir" "$install_dir"; then
    if [ -d "$old_dir" ]; then mv "$old_dir" "$install_dir"; fi
    fail "$new_dir cannot be renamed"
  fi
  is_swapped=1
}

register() {
  enabled=$(setting Enable TRUE)
  keep Name "$QPKG_NAME"
  keep Build "$(/sbin/getcfg "" time -d "" -f ./built_info 2>/dev/null)"
  keep Display_Name "$QPKG_DISPLAY_NAME"
  keep Version "$QPKG_VER"
  keep Author "$QPKG_AUTHOR"
  keep QPKG_File "$QPKG_NAME.qpkg"
  keep Date "$(date +%Y-%m-%d)"
  [ -z "$QPKG_SERVICE_PROGRAM" ] || keep Shell "$install_dir/$QPKG_SERVICE_PROGRAM"
  keep Service_Port "$QPKG_SERVICE_PORT"
  keep Volume_Select "$QPKG_VOLUME_SELECT"
  keep Pid_File "$QPKG_SERVICE_PIDFILE"
  keep Install_Path "$install_dir"
  keep WebUI "$QPKG_WEBUI"
  keep Web_Port "$QPKG_WEB_PORT"
  keep Web_SSL_Port "$QPKG_WEB_SSL_PORT"
  keep RC_Number "$rc_number"
  keep Desktop "$QPKG_DESKTOP_APP"
  keep Win_Width "$QPKG_DESKTOP_APP_WIN_WIDTH"
  keep Win_Height "$QPKG_DESKTOP_APP_WIN_HEIGHT"
  keep Use_Proxy "$QPKG_USE_PROXY"
  keep Proxy_Path "$QPKG_PROXY_PATH"
  keep Timeout "$QPKG_TIMEOUT"
  keep Visible "$QPKG_VISIBLE"
  keep Force_Visible "$QPKG_FORCE_VISIBLE"
  keep Distribution_Type "$QPKG_DISTRIBUTION_TYPE"
  keep FW_Ver_Min "$QTS_MINI_VERSION"
  keep FW_Ver_Max "$QTS_MAX_VERSION"
  [ -z "$QPKG_MOUNT_ACTION" ] || keep Mount_Action "$install_dir/$QPKG_MOUNT_ACTION"
  [ -z "$QPKG_UNMOUNT_ACTION" ] || keep Unmount_Action "$install_dir/$QPKG_UNMOUNT_ACTION"
  keep Action_Timeout "$QPKG_ACTION_TIMEOUT"
  keep Enable "$enabled"
}

link_into_system() {
  mkdir -p "$icon_folder" /etc/init.d /etc/rcS.d /etc/rcK.d
  cp "$install_dir/.qpkg_icon.gif" "$icon_folder/$QPKG_NAME.gif"
  cp "$install_dir/.qpkg_icon_80.gif" "$icon_folder/${QPKG_NAME}_80.gif"
  cp "$install_dir/.qpkg_icon_gray.gif" "$icon_folder/${QPKG_NAME}_gray.gif"
  [ -n "$QPKG_SERVICE_PROGRAM" ] || return 0
  chmod 755 "$install_dir/$QPKG_SERVICE_PROGRAM"
  ln -sf "$install_dir/$QPKG_SERVICE_PROGRAM" "/etc/init.d/$QPKG_SERVICE_PROGRAM"
  ln -sf "/etc/init.d/$QPKG_SERVICE_PROGRAM" "/etc/rcS.d/QS$rc_number$QPKG_NAME"
  ln -sf "/etc/init.d/$QPKG_SERVICE_PROGRAM" "/etc/rcK.d/$rc_kill"
}

# App Center runs .uninstall.sh, and itself drops the section in qpkg.conf afterwards.
write_uninstaller() {
  cat >"$install_dir/.uninstall.sh" <<SCRIPT
#!/bin/sh
# Takes $QPKG_NAME off this NAS: its program, not what it keeps elsewhere.
PATH=$PATH
export PATH
# App Center may have moved the package since.
here=\$(cd "\$(dirname "\$0")" && pwd)
case \$here in */.qpkg/$QPKG_NAME) ;; *) here="$install_dir" ;; esac
cd /
program="\$here/$QPKG_SERVICE_PROGRAM"
if [ -f "\$program" ]; then
  "\$program" stop
  "\$program" remove
fi
$PKG_PRE_REMOVE
rm -rf "\$here" "\$here.new" "\$here.old"
rm -f "/etc/init.d/$QPKG_SERVICE_PROGRAM" "/etc/rcS.d/QS$rc_number$QPKG_NAME" "/etc/rcK.d/$rc_kill"
rm -f "$icon_folder/$QPKG_NAME.gif" "$icon_folder/${QPKG_NAME}_80.gif" "$icon_folder/${QPKG_NAME}_gray.gif"
$PKG_MAIN_REMOVE
$PKG_POST_REMOVE
sync
exit 0
SCRIPT
  chmod 755 "$install_dir/.uninstall.sh" || fail "$install_dir/.uninstall.sh cannot be written"
}

# A start that fails disables the package, as App Center expects: it is installed, and says that it does not run.
start_program() {
  [ -n "$QPKG_SERVICE_PROGRAM" ] || return 0
  [ "$(setting Enable TRUE)" = TRUE ] || return 0
  "$install_dir/$QPKG_SERVICE_PROGRAM" start && return 0
  /sbin/setcfg "$QPKG_NAME" Enable FALSE -f "$qpkg_conf"
  tell 1 "is installed, but did not start; it is now disabled"
}

hook() {
  # Only what package_routines defines: a program of that name would be something else.
  case $(type "$1" 2>/dev/null) in *function*) "$1" || fail "$1 failed" ;; esac
}

new_dir=""
step 0
# shellcheck source=/dev/null
. ./qpkg.cfg
# shellcheck source=/dev/null
. ./package_routines
SYS_QPKG_INSTALL_PATH=$(cd .. && pwd)
SYS_QPKG_DIR=$SYS_QPKG_INSTALL_PATH/$QPKG_NAME
SYS_QPKG_BASE=${SYS_QPKG_INSTALL_PATH%/.qpkg}
export SYS_QPKG_INSTALL_PATH SYS_QPKG_DIR SYS_QPKG_BASE
install_dir=$SYS_QPKG_DIR
new_dir=$install_dir.new
old_dir=$install_dir.old
rc_number=${QPKG_RC_NUM:-101}
rc_kill=QK$(printf %03d $((1000 - rc_number)))$QPKG_NAME
for tool in /sbin/getcfg /sbin/setcfg; do [ -x "$tool" ] || fail "$tool is missing: this is no QTS"; done
hook pkg_init
recover
current_dir=$(setting Install_Path)
[ -z "$current_dir" ] || [ -d "$current_dir" ] || current_dir=""
check_firmware
hook pkg_check_requirement
hook pkg_pre_install
step 1
lay_out
stop_running
put_in_place
hook pkg_install
step 2
register
link_into_system
write_uninstaller
hook pkg_post_install
stopped_program=""
tell 0 "$QPKG_VER is installed in $install_dir"
start_program
rm -rf "$old_dir"
if [ -n "$current_dir" ] && [ "$current_dir" != "$install_dir" ]; then rm -rf "$current_dir"; fi
sync
step 3
exit 0
