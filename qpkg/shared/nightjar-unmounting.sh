#!/bin/sh
# QTS runs this before a volume is unmounted, and waits for it.
exec /bin/sh "$(dirname "$0")/nightjar.sh" unmounting "$@"
