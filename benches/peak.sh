# Sourced by the scripts beside it.

# Nothing is ever read from it: a pause without starting a process.
exec {never}<> <(:)

# Runs a command, without its output, and prints its largest anonymous memory in KiB, looked at every 10 ms. The pages of
# a mapped dump are not counted: they are the page cache's and leave when others need the memory.
peak() { # COMMAND...
    local pid key value peak=0 running
    "$@" >/dev/null 2>&1 &
    pid=$!
    while :; do
        running=
        while read -r key value _; do
            if [ "$key" = RssAnon: ]; then
                running=1
                if [ "$value" -gt "$peak" ]; then
                    peak=$value
                fi
            fi
        done 2>/dev/null <"/proc/$pid/status" || true
        if [ -z "$running" ]; then
            break
        fi
        read -r -t 0.01 -u "$never" || true
    done
    wait "$pid"
    echo "$peak"
}
