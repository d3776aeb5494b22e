#!/bin/sh
# Stands in for the server where only its service script is looked at: starts a recorder that lives on, as the server
# does, and prints what the server prints. /etc/stand-in says what else: `dies` at once, `stubborn` ignores SIGTERM.
mode=$(cat /etc/stand-in 2>/dev/null)
echo "server $(cat "$(dirname "$0")/release") ${1:-}" >>"$NIGHTJAR_DATA_DIR/starts"
echo "port $NIGHTJAR_PORT path $NIGHTJAR_BASE_PATH extra ${NIGHTJAR_EXTRA:-} library ${LD_LIBRARY_PATH:-none}" >"$NIGHTJAR_DATA_DIR/environment"
echo "Nightjar first login: user admin, password Geheim-1234"
if [ "$mode" = dies ]; then
  echo "Nightjar cannot start: the disk is upside down"
  exit 1
fi
recorder=$(cat "$NIGHTJAR_DATA_DIR/recorder.pid" 2>/dev/null)
if [ -z "$recorder" ] || ! kill -0 "$recorder" 2>/dev/null; then
  sh -c 'echo $$ >"$NIGHTJAR_DATA_DIR/recorder.pid"
    cd "$NIGHTJAR_DATA_DIR"
    exec 9>>footage
    trap "echo closed >>footage; exit 0" TERM
    while :; do sleep 0.1; done' </dev/null >/dev/null 2>&1 &
fi
echo "Nightjar is at http://127.0.0.1:$NIGHTJAR_PORT$NIGHTJAR_BASE_PATH"
trap 'exit 0' TERM
[ "$mode" != stubborn ] || trap '' TERM
while :; do sleep 0.1; done
