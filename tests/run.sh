#!/bin/sh
# Build what the tests need and run them: see usage below.
set -eu

usage() {
    cat <<'END'
Usage: sh tests/run.sh [--all | --python=NAME | --contract] [arguments of pytest]
       sh tests/run.sh --bench | --sweep | --decoys | --mutants [arguments of their own; --help tells]

  (nothing)       the tests on python3, with the branch coverage of vibackup
  --python=NAME   the tests on that interpreter: python2.7, jython, /path/to/python3.9
  --all           the tests on Jython, CPython 2.7, 3.6 and 3.13, with restic, borg, qemu-img and
                  chromium. What Debian has and is missing gets installed; what is missing all the same is a failure
  --contract      tests/flows, tests/conformance and tests/contract on Jython with fakes/contract compiled: what they
                  hold of the lab's objects is of Java's own types then. --all has this in place of plain Jython's
  --bench         the benchmarks
  --sweep         every call of every verb struck by every fault: python -m tests.sweep
  --decoys        10,000 inventories full of look-alikes, none of them touched: python -m tests.decoys
  --mutants       guards broken one at a time, each caught by a test: python -m tests.mutants

Except with --all, Python 3 shares the tests out over all processors; -n0 runs them in one process.

Example: sh tests/run.sh tests/unit -k ledger
END
}

ALL='jython python2.7 python3.6 contract python3.13'  # contract not beside jython's beginning, which compiles
CONTRACT='tests/flows tests/conformance tests/contract'
ROOM=6000000  # KiB
START='import sys; sys.path[0] = sys.argv.pop(1); import pytest; sys.exit(pytest.main(sys.argv[1:]))'

fail() {
    echo "tests/run.sh: $*" >&2
    exit 1
}

need_interpreter() {
    find_interpreter "$1" || fail "$1 does not run here: install it, so that it is on the PATH or known to pyenv"
}

# prepare NAME: find the interpreter, and make its environment unless the one there is made from the
# same requirements. Leaves $kind, $python (the command) and $packages (pytest's folder, where it is
# not in the environment itself: Python 2 has no venv, and PYTHONPATH would reach every child).
prepare() {
    need_interpreter "$1"
    kind=$("$interpreter" -c 'import sys
print("jython" if sys.platform.startswith("java") else "python%d.%d" % sys.version_info[:2])')
    folder=$root/.venvs/$kind
    case $kind in python3*) packages='' ;; *) packages=$folder/packages ;; esac
    python=$folder/bin/python
    if cat tests/requirements/*.txt | cmp -s - "$folder/made-from" && runs "$python"; then
        return
    fi
    echo "making .venvs/$kind"
    build=$folder.$$
    trap 'rm -rf "$build" "$build.log"' EXIT
    mkdir -p "$build/bin"
    if ! (make_environment) >"$build.log" 2>&1; then
        cat "$build.log" >&2
        fail "there is no environment for $kind: see above"
    fi
    cat tests/requirements/*.txt >"$build/made-from"
    rm -rf "$folder"
    mv "$build" "$folder"
    rm -f "$build.log"
}

make_environment() {
    case $kind in
        python3*)
            requirements=python3.txt
            [ "$kind" != python3.6 ] || requirements=python3.6.txt
            "$interpreter" -m venv "$build" && install_packages "$build/bin/python" "$requirements"
            ;;
        python2*)
            install_packages "$interpreter" python2.txt --no-deps --target "$build/packages" &&
                ln -s "$("$interpreter" -c 'import sys; print(sys.executable)')" "$build/bin/python"
            ;;
        jython)
            write_jython '' -Dpython.cachedir.skip=true || return
            need_interpreter python2.7  # its pip: none runs on Jython
            install_packages "$interpreter" jython.txt --no-deps --target "$build/packages" || return
            "$build/bin/python" -m compileall -q "$build/packages" || true  # one is too long for Java's classes
            ;;
    esac
}

# write_jython JARS: OPTIONS: one that starts in half the time of the jython command, for the tests start it often.
write_jython() {
    java=$(command -v java) &&
        jar=$("$interpreter" -c 'from java.lang import System; print(System.getProperty("java.class.path"))') &&
        home=$("$interpreter" -c 'import sys; print(sys.prefix)') &&
        cat >"$build/bin/python" <<END && chmod +x "$build/bin/python"
#!/bin/sh
exec '$java' -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -cp '$1$jar' -Dpython.home='$home' \
    -Dpython.executable="\$0" $2 org.python.util.jython "\$@"
END
}

# prepare_contract: the same for Jython with a jar made of fakes/contract on its class path.
prepare_contract() {
    prepare jython
    folder=$root/.venvs/contract
    if cat "$python" fakes/contract/*.java | cmp -s - "$folder/made-from"; then
        python=$folder/bin/python
        need_jar
        return
    fi
    command -v javac >/dev/null || fail "javac is missing: install a JDK"
    echo "making .venvs/contract"
    build=$folder.$$
    trap 'rm -rf "$build"' EXIT
    mkdir -p "$build/bin" "$build/classes" "$build/cache"
    javac -source 8 -target 8 -Xlint:-options -d "$build/classes" fakes/contract/*.java
    jar cf "$build/api.jar" -C "$build/classes" .
    write_jython "$folder/api.jar:" "-Dpython.cachedir='$folder/cache' -Dpython.cachedir.skip=false"
    cat "$python" fakes/contract/*.java >"$build/made-from"
    python=$folder/bin/python
    rm -rf "$folder"
    mv "$build" "$folder"
    need_jar  # which fills Jython's cache of packages: one process has to do that alone
}

# Without the jar the fakes would be plain Python, and the tests pass just the same.
need_jar() {
    "$python" -c 'from com.virtualiron.vce.mgmt.api import LabBackend' ||
        fail "$python does not find the jar of fakes/contract"
}

install_packages() {
    pip_python=$1 requirements=$2
    shift 2
    "$pip_python" -m pip install --disable-pip-version-check -q "$@" -r "tests/requirements/$requirements"
}

run_tests() {
    VIBACKUP_PYTHON=$python
    export VIBACKUP_PYTHON
    "$python" -m compileall -q vibackup fakes tests >/dev/null 2>&1 || true  # tests start many processes
    if [ "$kind" = jython ]; then
        # Jython does not write a class file in one step, and another process may be reading it.
        PYTHONDONTWRITEBYTECODE=1
        export PYTHONDONTWRITEBYTECODE
        set -- -p no:cacheprovider --assert=plain "$@"
    fi
    # --all has two interpreters at work already: more processes would only get in each other's way.
    case $kind in python3*) [ -n "${VIBACKUP_TESTS_ALL:-}" ] || set -- -n auto "$@" ;; esac
    use_memory_for_files
    if [ -n "$packages" ]; then
        "$python" -c "$START" "$packages" "$@"
    else
        "$python" -m pytest "$@"
    fi
}

# Tests bring thousands of small files to the disk; where there is room for them in memory they are faster.
use_memory_for_files() {
    room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    memory=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null)
    if [ -w /dev/shm ] && [ "${room:-0}" -gt "$ROOM" ] && [ "${memory:-0}" -gt "$ROOM" ]; then
        TMPDIR=/dev/shm/vibackup-tests.$$
        trap 'rm -rf "$TMPDIR"' EXIT
        mkdir "$TMPDIR"
        export TMPDIR
    fi
}

install_programs() {
    missing=''
    find_interpreter jython || missing="$missing jython"
    command -v javac >/dev/null || missing="$missing default-jdk-headless"
    command -v restic >/dev/null || missing="$missing restic"
    command -v borg >/dev/null || missing="$missing borgbackup"
    command -v qemu-img >/dev/null || missing="$missing qemu-utils"
    command -v chromium >/dev/null || missing="$missing chromium"
    [ -n "$missing" ] || return 0
    echo "installing$missing"
    as_root=''
    [ "$(id -u)" = 0 ] || as_root='sudo -n'
    # shellcheck disable=SC2086
    { $as_root apt-get -q update && $as_root apt-get -q install -y --no-install-recommends $missing; } \
        >"$logs/apt" 2>&1 || { cat "$logs/apt" >&2; fail "cannot install$missing: see above"; }
}

# Not with the shell's "&": what that starts ignores Ctrl-C, and so would the programs under test.
run_all() {
    logs=$root/.venvs/logs.$$
    mkdir -p "$logs"
    trap 'rm -rf "$logs"' EXIT
    install_programs
    for name in $ALL; do
        [ "$name" = contract ] || need_interpreter "$name"
    done
    for name in restic borg qemu-img chromium javac; do
        command -v "$name" >/dev/null || fail "$name is missing: install it"
    done
    export logs VIBACKUP_TESTS_ALL=1
    # shellcheck disable=SC2086
    printf '%s\n' $ALL | xargs -P 2 -I '{}' sh tests/run.sh --one='{}' "$@" || true
    echo
    failed=0
    for name in $ALL; do
        word=passed
        [ "$(cat "$logs/$name.status")" = 0 ] || word=FAILED failed=1
        printf '%-11s %s %5ss  %s\n' "$name" "$word" "$(cat "$logs/$name.seconds")" \
            "$(tail -n 1 "$logs/$name" | tr -d =)"
    done
    exit "$failed"
}

names_a_path() {
    for word in "$@"; do
        [ ! -e "${word%%::*}" ] || return 0
    done
    return 1
}

# One interpreter of --all: its output is kept back, and shown in one piece.
run_one() {
    name=$1
    shift
    echo "$name: started"
    begun=$(date +%s)
    status=0
    option=--python=$name
    case $name in
        contract) option=--contract ;;
        jython) names_a_path "$@" || set -- --ignore=tests/flows --ignore=tests/conformance "$@" ;;
    esac
    sh tests/run.sh "$option" "$@" >"$logs/$name" 2>&1 || status=$?
    echo "$status" >"$logs/$name.status"
    echo $(($(date +%s) - begun)) >"$logs/$name.seconds"
    until mkdir "$logs/printing" 2>/dev/null; do sleep 1; done
    printf '\n======== %s ========\n' "$name"
    cat "$logs/$name"
    rmdir "$logs/printing"
}

trap 'exit 130' INT  # by way of the traps on EXIT
trap 'exit 143' TERM
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
. scripts/interpreter.sh

what=${1:-}
case $what in --all | --contract | --bench | --sweep | --decoys | --mutants | --python=* | --one=*) shift ;; esac
case $what in
    --help | -h)
        usage
        ;;
    --all)
        run_all "$@"
        ;;
    --one=*)
        run_one "${what#*=}" "$@"
        ;;
    --python=*)
        prepare "${what#*=}"
        run_tests "$@"
        ;;
    --contract)
        prepare_contract
        # shellcheck disable=SC2086
        names_a_path "$@" || set -- $CONTRACT "$@"
        run_tests "$@"
        ;;
    --bench)
        prepare python3
        exec "$python" tests/benchmarks/run.py "$@"
        ;;
    --sweep | --decoys | --mutants)
        prepare python3
        use_memory_for_files
        "$python" -m "tests.${what#--}" "$@"
        ;;
    '')
        prepare python3
        run_tests --cov=vibackup --cov-branch --cov-report=term
        ;;
    *)
        prepare python3
        run_tests "$@"
        ;;
esac
