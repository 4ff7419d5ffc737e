# Find an interpreter that really runs. Sourced by runner.sh and tests/run.sh.

# Running is the only proof: a name on the PATH may be a shim with nothing behind it.
runs() {
    [ "$("$1" -c 'print(6 * 7)' </dev/null 2>/dev/null)" = 42 ]
}

# find_interpreter NAME: leave in $interpreter the command that runs it; false where there is none.
find_interpreter() {
    interpreter=$1
    runs "$interpreter" && return
    for version in $(pyenv whence "$1" 2>/dev/null); do
        interpreter=$(PYENV_VERSION=$version pyenv which "$1" 2>/dev/null)
        runs "$interpreter" && return
    done
    return 1
}
