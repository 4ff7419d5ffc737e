#!/bin/sh
# Run a script against Virtual Iron's manager, or with --lab against the fakes: see usage below.
set -u

usage() {
    cat <<'END'
Usage: runner.sh --inputfile=SCRIPT [options of the script]

  --lab        run it in a lab that is gone at exit; no Virtual Iron is needed
  --lab=DIR    run it in the lab kept in DIR
  --help       with --inputfile: the script's own help

Without --lab it runs under Jython against the manager whose client jars lie below VIRTUALIRON_HOME.

  VIRTUALIRON_HOME   where the manager's jars are
  JYTHON_JAR         the jar of Jython 2.7 (else one below VIRTUALIRON_HOME, else /usr/share/java/jython.jar)
  VIBACKUP_PYTHON    the interpreter of the lab (else python3, python2.7 or jython)

Example: sh scripts/runner.sh --inputfile=scripts/proxyBackup.py --lab --vs=web01 --proxy=pbh01 --agent=dd
END
}

# refuse STATUS WORDS...: one line, whatever the words hold.
refuse() {
    status=$1
    shift
    printf '%s' "runner.sh: $*" | tr '[:cntrl:]' '?' >&2
    echo >&2
    exit "$status"
}

lab_interpreter() {
    if [ -n "${VIBACKUP_PYTHON:-}" ]; then
        find_interpreter "$VIBACKUP_PYTHON" ||
            refuse 7 "VIBACKUP_PYTHON: $VIBACKUP_PYTHON does not run; name an interpreter that does, or unset it"
        return
    fi
    for name in python3 python2.7 jython; do
        find_interpreter "$name" && return
    done
    refuse 7 "none of python3, python2.7 and jython runs here; install one, or name one in VIBACKUP_PYTHON"
}

# Not "-m fakes": that would import from the user's current folder first.
run_in_lab() {
    lab_interpreter
    PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
    JYTHONPATH=$root${JYTHONPATH:+:$JYTHONPATH}
    export PYTHONPATH JYTHONPATH
    exec "$interpreter" -c '
import sys
sys.path[:] = [sys.argv.pop(1)] + [folder for folder in sys.path if folder]
import runpy
runpy.run_module("fakes", run_name="__main__", alter_sys=True)
' "$root" run "$@"
}

find_jars() {
    find -L "$VIRTUALIRON_HOME" -type f -name "$@" | LC_ALL=C sort
}

jython_jar() {
    if [ -n "${JYTHON_JAR:-}" ]; then
        printf '%s\n' "$JYTHON_JAR"
        return
    fi
    find_jars 'jython*.jar' | while IFS= read -r jar; do
        case $(java -cp "$jar" org.python.util.jython --version 2>&1 </dev/null) in
            *"Jython 2.7"*) printf '%s\n' "$jar"; break ;;
        esac
    done | grep . || echo /usr/share/java/jython.jar
}

# A folder of the user's own that nobody else can write.
cache_folder() {
    for folder in "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/vibackup}" "${HOME:+$HOME/.cache/vibackup}" \
            "${TMPDIR:-/tmp}/vibackup-$(id -u)"; do
        [ -n "$folder" ] || continue
        (umask 077 && mkdir -p "$folder") 2>/dev/null
        [ -w "$folder" ] || continue
        [ -z "$(find "$folder" -prune -type d -user "$(id -u)" ! -perm -020 ! -perm -002)" ] || return 0
    done
    refuse 7 "no folder for Jython's package cache can be written; set XDG_CACHE_HOME"
}

# Jython takes a cache that another run is still filling for a whole one, and then imports nothing
# from it. So a cache is filled by one process alone, and only then named where others look.
package_cache() {
    cache_folder
    key=$( (ls -lL "$jython"; find -L "$VIRTUALIRON_HOME" -name '*.jar' -exec ls -lL {} +) | cksum | tr ' ' -)
    packages=$(cat "$folder/$key" 2>/dev/null)
    [ ! -d "$packages" ] || return 0
    packages=$(mktemp -d "$folder/packages.XXXXXX") || refuse 7 "$folder cannot be written"
    if ! java -cp "$jars" -Dpython.home="$home" -Dpython.cachedir="$packages" -Dpython.cachedir.skip=false \
            org.python.util.jython -c pass </dev/null >/dev/null 2>&1; then
        rm -rf "$packages"
        refuse 7 "$jython does not start; name the jar of Jython 2.7 in JYTHON_JAR"
    fi
    printf '%s\n' "$packages" >"$packages/name"
    mv -f "$packages/name" "$folder/$key"
}

# The jython command runs "java -jar", which ignores the class path. Jython comes first on it, for
# the manager's jars may hold an older Jython, or an older copy of a library that Jython needs.
run_on_manager() {
    [ -d "$VIRTUALIRON_HOME" ] || refuse 7 "VIRTUALIRON_HOME: $VIRTUALIRON_HOME is not a folder"
    command -v java >/dev/null || refuse 7 "java is not on the PATH"
    jars=$(find_jars '*.jar' ! -name 'jython*.jar' | paste -s -d : -)
    [ -n "$jars" ] || refuse 7 "VIRTUALIRON_HOME: there is no jar below $VIRTUALIRON_HOME"
    jython=$(jython_jar)
    [ -f "$jython" ] || refuse 7 "no Jython 2.7: $jython is missing; name its jar in JYTHON_JAR"
    jars=$jython:$jars
    case $jython in
        /usr/share/java/*) home=/usr/share/jython ;;
        *) home=$(dirname -- "$jython") ;;
    esac
    package_cache
    exec java -cp "$jars" -Dpython.home="$home" -Dpython.path="$root${JYTHONPATH:+:$JYTHONPATH}" \
        -Dpython.cachedir="$packages" -Dpython.cachedir.skip=false org.python.util.jython "$script" "$@"
}

here=$(readlink -f -- "$0" 2>/dev/null) || here=$0
root=$(CDPATH='' cd -- "$(dirname -- "$here")/.." && pwd -P) || exit 1
. "$root/scripts/interpreter.sh"

script='' lab='' help=''
for word in "$@"; do
    case $word in
        --inputfile=*) script=${word#--inputfile=} ;;
        --lab | --lab=*) lab=yes ;;
        --help | -h) help=yes ;;
    esac
done

if [ -z "$script" ]; then
    [ -z "$help" ] || { usage; exit 0; }
    refuse 2 "--inputfile=SCRIPT is missing; --help shows an example"
fi
[ -f "$script" ] || refuse 2 "--inputfile: there is no file $script"
[ -r "$script" ] || refuse 2 "--inputfile: $script cannot be read"

# Java reads arguments in the locale's encoding; in cron's it would lose every letter beyond ASCII.
case $(locale charmap 2>/dev/null) in
    ANSI_X3.4-1968 | US-ASCII) LC_ALL=C.UTF-8; export LC_ALL ;;
esac

if [ -n "$lab" ]; then
    run_in_lab "$@"
elif [ -n "${VIRTUALIRON_HOME:-}" ]; then
    case $script in -*) script=./$script ;; esac
    run_on_manager "$@"
elif [ -n "$help" ]; then
    run_in_lab "$@"
else
    refuse 7 "no manager: set VIRTUALIRON_HOME, or add --lab to run against the fakes"
fi
