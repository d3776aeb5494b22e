#!/bin/sh
# The one front door: installs what a command needs, then runs it. `./build.sh help` lists the commands.
set -eu
cd "$(dirname "$(readlink -f "$0")")"
packages_stamp=node_modules/.installed

say() { printf '%s\n' "$*" >&2; }

usage() {
  cat <<'TEXT'
usage: ./build.sh COMMAND [options]

  demo [stop]      simulated cameras and the server on SQLite; prints the address and the account
  dev              the server from this folder, the desktop rebuilt as you change it
  check            types, lint and format
  test [FILE …]    all tests, or the files given; ends with a line "N passed, N failed"
  try-packages     builds the packages and installs them where there is nothing, and under systemd; ends alike
  bench WHAT       record | export | live | server | timeline | snapshot | stall  [--cameras N] [--seconds S] [--json]
  package          dist/Nightjar_<version>_<arch>.qpkg, and an archive for any Linux beside it  [--arch x86_64|arm64] [--out FOLDER]
  faults           the fault rig  [--runs N] [--seed S] [--json]
  reset-admin      a new one-time password for the administrator
TEXT
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo "$@"; else
    say "build.sh: needs root, or sudo, to run: $*"
    exit 1
  fi
}

# need PROGRAM PACKAGE …: installs Debian packages where the program is missing.
missing_packages=''
need() {
  program=$1
  shift
  if ! command -v "$program" >/dev/null 2>&1 && [ ! -e "$program" ]; then missing_packages="$missing_packages $*"; fi
}

install_missing() {
  [ -n "$missing_packages" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    say "build.sh: please install by hand (there is no apt-get here):$missing_packages"
    exit 1
  fi
  say "installing:$missing_packages"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update -q >&2
  # Tests start the servers that they need themselves, on ports of their own: none is to be started by being installed.
  policy=/usr/sbin/policy-rc.d
  is_policy_ours=''
  if [ ! -e "$policy" ]; then
    is_policy_ours=1
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  status=0
  # shellcheck disable=SC2086 # a list of packages
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q \
    --no-install-recommends $missing_packages >&2 || status=$?
  [ -z "$is_policy_ours" ] || as_root rm -f "$policy"
  [ "$status" = 0 ] || exit "$status"
  missing_packages=''
}

need_runtime() {
  # The machine's own Node only installs the packages; the project runs on the one they pin.
  need node nodejs
  need npm npm
  need ffmpeg ffmpeg
  install_missing
  if [ ! -e "$packages_stamp" ] || [ package-lock.json -nt "$packages_stamp" ] || [ package.json -nt "$packages_stamp" ]; then
    say 'installing the packages of package-lock.json'
    npm ci --no-audit --no-fund --loglevel=error --ignore-scripts >&2
    touch "$packages_stamp"
  fi
}

need_cameras() {
  need /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
  need openssl openssl
}

need_package() {
  need dpkg-deb dpkg
  need strip binutils
}

need_tests() {
  need_cameras
  need_package
  need mariadbd mariadb-server
  need chromium chromium
  need /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf fonts-noto-core
  need cvlc vlc-bin vlc-plugin-base
  need gcc gcc libc6-dev
  need unshare util-linux
  need pebble pebble
  need busybox busybox
  need /usr/sbin/slapd slapd ldap-utils
  need samba-tool samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind
  need shellcheck shellcheck
  need ip iproute2
  need /usr/lib/x86_64-linux-gnu/girepository-1.0/GstRtspServer-1.0.typelib python3-gi gir1.2-gst-rtsp-server-1.0 \
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
}

build_desktop() {
  stamp=dist/web-desktop/index.html
  if [ ! -e "$stamp" ] || [ -n "$(find web-desktop shared package-lock.json -newer "$stamp" -type f | head -n 1)" ]; then
    say 'building the desktop'
    npm run --silent build:desktop >&2
    touch "$stamp"
  fi
}

# count WORD FILE: the sum of what mocha reports by that word.
count() { awk -v word="$1" '$1 ~ /^[0-9]+$/ && $2 == word { sum += $1 } END { print sum + 0 }' "$2"; }

# What waits for processes and other servers that start and stop, and what waits for browsers, runs beside the rest.
slow_tests='test/qpkg test/scripts/qpkg test/linux test/server/host test/server/account test/server/compat'
browser_tests='test/web-desktop test/end-to-end'
# Minutes of their own, and a Debian to download: a command of their own.
package_tests='test/package/package.test.ts test/linux/systemd.test.ts'

# run_aside FILE FOLDER …: runs their tests in the background, and writes what came of it into the file.
run_aside() {
  report=$1
  shift
  patterns=''
  for folder in "$@"; do patterns="$patterns $folder/**/*.test.ts"; done
  (
    set -f
    # shellcheck disable=SC2086 # a list of patterns, which mocha itself opens
    scripts/node node_modules/mocha/bin/mocha.js $patterns --ignore test/linux/systemd.test.ts >"$report" 2>&1
  ) &
}

run_tests() {
  reports=$(mktemp -d)
  runs=1
  if [ $# -eq 0 ]; then
    runs=3
    # shellcheck disable=SC2086 # lists of folders
    run_aside "$reports/slow" $slow_tests
    # shellcheck disable=SC2086
    run_aside "$reports/browser" $browser_tests
    set -- 'test/**/*.test.ts'
    for folder in $slow_tests $browser_tests test/package; do set -- "$@" --ignore "$folder/**"; done
  fi
  scripts/node node_modules/mocha/bin/mocha.js "$@" 2>&1 | tee "$reports/main" || true
  wait
  for report in slow browser; do [ ! -e "$reports/$report" ] || cat "$reports/$report"; done
  cat "$reports"/* >"$reports.all"
  passed=$(count passing "$reports.all")
  # A skipped test proves nothing: it counts as failed. So does a run that ended without saying what it did.
  ended=$(grep -c '^ *[0-9][0-9]* passing' "$reports.all" || true)
  failed=$(($(count failing "$reports.all") + $(count pending "$reports.all") + runs - ended))
  rm -rf "$reports" "$reports.all"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

command=${1:-help}
[ $# -eq 0 ] || shift
case "$command" in
demo)
  need_cameras
  need_runtime
  build_desktop
  exec scripts/node scripts/demo.ts "$@"
  ;;
dev)
  need_runtime
  build_desktop
  npm run --silent build:desktop -- --watch &
  watcher=$!
  trap 'kill "$watcher" 2>/dev/null' EXIT INT TERM
  scripts/node --watch-path=server --watch-path=shared server/main.ts "$@"
  ;;
check)
  need_runtime
  npm run --silent check
  ;;
test)
  need_tests
  need_runtime
  build_desktop
  run_tests "$@"
  ;;
try-packages)
  need_tests
  need /usr/sbin/debootstrap debootstrap
  need_runtime
  build_desktop
  # shellcheck disable=SC2086 # a list of files
  run_tests $package_tests
  ;;
bench)
  need_tests
  need /usr/sbin/mkfs.ext4 e2fsprogs
  need_runtime
  build_desktop
  exec scripts/node scripts/bench/main.ts "$@"
  ;;
package)
  need_package
  need_runtime
  build_desktop
  exec scripts/node scripts/package/main.ts "$@"
  ;;
faults)
  need_cameras
  need_runtime
  exec scripts/node scripts/faults/main.ts "$@"
  ;;
reset-admin)
  need_runtime
  exec scripts/server --reset-admin "$@"
  ;;
help | -h | --help) usage ;;
*)
  say "build.sh: no command is called $command"
  usage >&2
  exit 2
  ;;
esac
