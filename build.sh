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
  bench WHAT       record | export | live | server | timeline | snapshot | stall  [--cameras N] [--seconds S] [--json]
  package          dist/Nightjar_<version>_<arch>.qpkg  [--arch x86_64|arm64] [--out FOLDER]
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
  # shellcheck disable=SC2086 # a list of packages
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q \
    --no-install-recommends $missing_packages >&2
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

run_tests() {
  report=$(mktemp)
  aside=$(mktemp)
  mocha=node_modules/mocha/bin/mocha.js
  runs=1
  if [ $# -eq 0 ]; then
    # These mostly wait for processes that start and stop: they run beside the others.
    runs=2
    scripts/node $mocha 'test/qpkg/**/*.test.ts' 'test/scripts/qpkg/*.test.ts' 'test/package/*.test.ts' 'test/server/host/**/*.test.ts' \
      >"$aside" 2>&1 &
    set -- 'test/**/*.test.ts' --ignore 'test/qpkg/**' --ignore 'test/scripts/qpkg/**' --ignore 'test/package/**' \
      --ignore 'test/server/host/**'
  fi
  scripts/node $mocha "$@" 2>&1 | tee "$report" || true
  wait
  tee -a "$report" <"$aside"
  passed=$(count passing "$report")
  # A skipped test proves nothing: it counts as failed. So does a run that ended without saying what it did.
  ended=$(grep -c '^ *[0-9][0-9]* passing' "$report" || true)
  failed=$(($(count failing "$report") + $(count pending "$report") + runs - ended))
  rm -f "$report" "$aside"
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
