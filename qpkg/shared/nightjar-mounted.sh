#!/bin/sh
# QTS runs this after a volume was mounted.
exec /bin/sh "$(dirname "$0")/nightjar.sh" mounted "$@"
