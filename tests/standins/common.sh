# What the stand-ins share. A stand-in takes the place of a proprietary program in a test: it refuses
# options that the vendor's command does not have, moves the bytes that the vendor's would move, and
# leaves the rest out. The environment steers it:
#   STANDIN_RECORD  file that gets each call: program and number of words, then one word a line
#   STANDIN_STORE   folder that plays the backup server
#   STANDIN_STATUS  the exit status it ends with, when its work is done; default 0

program=$(basename "$0")

record() {
    { printf '%s %s\n' "$program" "$#"; for word in "$@"; do printf '%s\n' "$word"; done; } >> "$STANDIN_RECORD"
}

refuse() {  # STATUS WORDS...
    status=$1
    shift
    printf '%s: %s\n' "$program" "$*" >&2
    exit "$status"
}

object() {  # NAME...: the file that keeps what was backed up under these names
    printf '%s/%s' "$STANDIN_STORE" "$(printf '%s!' "$@" | tr '/ ' '__')"
}

fetch() {  # OBJECT TARGET: writes in place, as onto a device
    [ -e "$1" ] || refuse 5 "there is no such backup"
    [ -e "$2" ] || refuse 5 "$2: no such device"
    cat "$1" 1<> "$2"
}

finish() {
    exit "${STANDIN_STATUS:-0}"
}
