#!/usr/bin/env bash
# Programs that misbehave: hpx says what was wrong, stores nothing that is not so, and leaves no process and no file behind.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A repository with a program p.sh (stdin) and a recipe of one trial; further bindings of `program` are arguments.
program() { # BINDING...
    git init -q .
    cat >p.sh
    chmod +x p.sh
    {
        printf '%s\n' program '  command = ./p.sh $a' '  code = p.sh'
        [[ $# == 0 ]] || printf '  %s\n' "$@"
        printf '%s\n' train "  epochs = ${EPOCHS:-1}" '  objective = maximise score' 'axis a = 1' 'search all' '  method = grid'
    } >p.rcp
    export HPX_SCRATCH=$PWD.scratch
}

# Processes of this test: their environment has its store's folder or its scratch.
leftovers() {
    local environ
    for environ in /proc/[0-9]*/environ; do
        grep -qzaF "MARK_OF=$PWD" "$environ" 2>/dev/null && echo "$environ"
    done
}

none_left() {
    equal "$(leftovers | wc -l)" 0 'the number of processes left'
}

# Runs a build that ends by an accident of this class.
accident() { # TEXT
    run 1 hpx build p.rcp
    has err "$1"
    none_left
    equal "$(stored)" 0 'the number of results stored'
}

score() { # FILTER VALUE: of the one result
    run 0 hpx build p.rcp
    run 0 hpx ls --json p.rcp
    is "$1" "$2"
    none_left
}

test_ignores_sigterm() {
    program "env = MARK_OF=$PWD" 'timeout = 1s' <<'X'
#!/bin/sh
trap '' TERM
for i in $(seq 99); do sleep 1; done
X
    accident time
}

test_forks_for_ever() {
    program "env = MARK_OF=$PWD" 'timeout = 1s' <<'X'
#!/bin/sh
i=0
while [ $i -lt 400 ]; do
    (trap '' TERM; for j in $(seq 999); do sleep 0.1; (sleep 0.2; sleep 60) & done) &
    i=$((i + 40))
done
wait
X
    accident time
}

test_leaves_its_session() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
(setsid sh -c 'trap "" TERM HUP; sleep 1000 & sleep 1000' >/dev/null 2>&1 &)
echo '{"score": 1}' >>"$HPX_METRICS"
X
    score '.[0].metrics.score' 1
}

test_writes_where_it_should_not() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
echo '# changed' >>p.sh
echo new >new
mkdir -p src/deep && echo x >src/deep/file
echo t >"$TMPDIR/file"
echo "{\"score\": $(cat new src/deep/file | wc -l)}" >>"$HPX_METRICS"
X
    cp p.sh before
    score '.[0].metrics.score' 2
    same_files p.sh before
    [[ ! -e new && ! -e src ]] || fail 'it wrote to the work tree'
    run 0 hpx build -B p.rcp
    equal "$(find "$HPX_SCRATCH" -name new -o -path '*deep/file' | wc -l)" 0 'the number of files it left'
}

test_deletes_its_folder() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
echo '{"score": 1}' >>"$HPX_METRICS"
rm -rf "$PWD"
X
    score '.[0].metrics.score' 1
    run 0 hpx build -B p.rcp
}

test_locks_its_files() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
mkdir -p locked/in && echo x >locked/in/file && ln -s / root
chmod 000 locked/in locked
echo '{"score": 1}' >>"$HPX_METRICS"
X
    score '.[0].metrics.score' 1
    run 0 hpx build -B p.rcp
}

test_reads_its_input() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
echo "{\"score\": $(wc -c)}" >>"$HPX_METRICS"
X
    score '.[0].metrics.score' 0
}

test_prints_escapes() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
printf '\033]0;title\007\033[2J\033[31mred\033[0m\n' >&2
exit 3
X
    accident 'exit code 3'
    equal "$(grep -c "$(printf '\033')" err)" 0 'the number of lines with escapes'
}

test_prints_much() {
    program 'metrics = stdout' "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
yes 'a line that says nothing' | head -c 10000000
head -c 300000 /dev/urandom
echo
echo score=7
head -c 300000 /dev/zero
X
    score '.[0].metrics.score' 7
    run 0 hpx show --log "$(jq -r '.[0].key' out)"
    [[ $(wc -c <out) -lt 1000000 ]] || fail 'the log has no bound'
    has out 'a line that says nothing'
}

test_long_line_without_end() {
    program 'metrics = stdout' "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
head -c 3000000 /dev/zero | tr '\0' x
echo
echo score=7
printf 'score=8'
X
    score '.[0].metrics.score' 7
}

# Each kind of checkpoint that is none is passed over; the metrics count.
no_checkpoint() { # COMMANDS that make ckpt
    EPOCHS=2 program 'continue = resume' 'repeat = within 1' "env = MARK_OF=$PWD" <<X
#!/bin/sh
if [ -n "\${HPX_RESUME-}" ]; then echo resumed >&2; exit 9; fi
for e in \$(seq 1 \$HPX_EPOCHS); do
    $1
    echo "{\"epoch\": \$e, \"score\": 1, \"checkpoint\": \"ckpt\"}" >>"\$HPX_METRICS"
done
X
    hpx build p.rcp >out 2>err
    none_left
    ! grep -q resumed err || fail 'it was resumed from what is no checkpoint'
    run 0 hpx verify
}

test_checkpoint_is_a_link() {
    no_checkpoint 'ln -sf /etc/passwd "$HPX_OUT/ckpt"'
}

test_checkpoint_is_a_fifo() {
    no_checkpoint '[ -p "$HPX_OUT/ckpt" ] || mkfifo "$HPX_OUT/ckpt"'
}

test_checkpoint_is_missing() {
    no_checkpoint ':'
}

test_checkpoint_is_elsewhere() {
    no_checkpoint 'echo x >"$HPX_OUT/../ckpt2"; ln -sfn .. "$HPX_OUT/up"'
}

# Epochs of microseconds that overwrite one file: whatever is kept is right, so that 6 epochs after 3 equal 6 in one go.
test_fast_epochs_overwrite_one_file() {
    EPOCHS=300 program 'continue = yes' "env = MARK_OF=$PWD" <<'X'
#!/usr/bin/awk -f
BEGIN {
    out = ENVIRON["HPX_OUT"] "/last"
    if (ENVIRON["HPX_RESUME"] != "") { getline x < (ENVIRON["HPX_RESUME"] "/last"); from = ENVIRON["HPX_RESUME_EPOCH"] }
    for (e = from + 1; e <= ENVIRON["HPX_EPOCHS"]; e++) {
        x = (x * 69069 + e) % 1000003
        print x > out
        close(out)
        print "{\"epoch\": " e ", \"score\": " x ", \"checkpoint\": \"last\"}" >> ENVIRON["HPX_METRICS"]
        fflush()
    }
}
X
    run 0 hpx build p.rcp
    run 0 hpx build p.rcp epochs=600 --json
    is '.searches[0].trials.extend' 1
    run 0 hpx build -B p.rcp epochs=600
    run 0 hpx verify
}

test_lines_of_all_kinds() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
cat >>"$HPX_METRICS" <<'Y'
{"epoch": 1, "score": 0.5, "note": "text", "list": [1, 2]}
not json
{"step": 10, "score": 9}
{"epoch": 1, "late": 3}
{"epoch": 2, "score": NaN, "inf": Infinity}
{"epoch": 3, "score": 0.75}
Y
printf '{"epoch": 4, "score": 0.9' >>"$HPX_METRICS"
X
    score '.[0].metrics.score' 0.75
}

test_epochs_out_of_order() {
    EPOCHS=3 program 'continue = resume' 'repeat = within 1' "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
for e in 1 3 2; do
    echo "$e" >"$HPX_OUT/c"
    echo "{\"epoch\": $e, \"score\": 1, \"checkpoint\": \"c\"}" >>"$HPX_METRICS"
done
X
    run 1 hpx build p.rcp
    has err 'epoch'
    none_left
}

test_no_objective() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
echo '{"other": 1}' >>"$HPX_METRICS"
X
    accident score
    has err other
}

test_nan_is_a_failed_result() {
    program "env = MARK_OF=$PWD" <<'X'
#!/bin/sh
echo '{"score": NaN, "other": 1}' >>"$HPX_METRICS"
X
    run 1 hpx build p.rcp
    equal "$(stored)" 1
    run 1 hpx build p.rcp
    has err 'nothing to train'
}

test_fills_the_disk() {
    [[ $(id -u) == 0 ]] || { echo '  skipped: only root can mount a small file system'; return; }
    mkdir "$PWD.small"
    mount -t tmpfs -o size=320m none "$PWD.small" 2>/dev/null || { echo '  skipped: nothing can be mounted here'; return; }
    trap 'umount -l "$PWD.small"' EXIT
    program "env = MARK_OF=$PWD" 'timeout = 60s' <<'X'
#!/bin/sh
head -c 300000000 /dev/zero >"$HPX_OUT/large"
sleep 30
X
    HPX_SCRATCH=$PWD.small accident disk
}

test_takes_too_much_memory() {
    program "env = MARK_OF=$PWD" 'memory = 64MiB' 'timeout = 60s' <<'X'
#!/usr/bin/awk -f
BEGIN { s = "0123456789abcdef"; while (length(s) < 200000000) s = s s; while (1) n++ }
X
    accident memory
}

run_tests "$@"
