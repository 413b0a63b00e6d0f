# What gc collects and what it leaves: nothing that is wanted, never a result; and that --compact is safe under others.
. "$(dirname "$0")/common.sh"

write_recipe() { # FILE N1 SETTING...
    recipe "$1" "${@:3}" <<X
axis n1 = $2
axis n2 = 2 4
search grid
  method = grid
X
}

collected() { # STORE-INDEPENDENT FILTER: of the last --json output
    jq -c "[.collected[] | $1]" out
}

checkpoints() { # "cell seed epoch" of every trajectory's newest checkpoint, 0: none
    local key
    for key in $(hpx ls --json | jq -r '.[].key'); do
        hpx show "$key" --json | jq -r '"\(.cell) \(.seed) \(.checkpoint_epoch)"'
    done | sort
}

verdicts() { # RECIPE: of its plan
    hpx plan "$1" --json | jq -c '.searches[0].verdicts | {hit, extend, train}'
}

test_no_store() {
    write_recipe a.rcp '2 4' 'epochs = 1'
    run 0 hpx gc
    run 0 hpx gc --compact a.rcp
    run 0 hpx gc --json
    is .collected '[]'
    complains 1 'no such key' hpx gc --pin 01
    [[ ! -e $HPX_STORE ]] || fail 'collecting made a store'
}

test_scratch() {
    write_recipe a.rcp '2' 'epochs = 1'
    run 0 hpx build a.rcp -q
    mkdir -p "$HPX_SCRATCH/snapshots/old" "$HPX_SCRATCH/snapshots/new" "$HPX_SCRATCH/copies/1-0/tree"
    echo x >"$HPX_SCRATCH/snapshots/old/a.py"
    touch "$HPX_SCRATCH/copies/1-0.lock"
    chmod 555 "$HPX_SCRATCH/snapshots/old"
    touch -d '2 days ago' "$HPX_SCRATCH/snapshots/old"
    run 0 hpx gc -n --json
    is '[.scratch.snapshots, .scratch.copies]' '[1,1]'
    run 0 hpx gc
    has out "1 snapshot and 1 copy of programs' code that nobody uses"
    equal "$(cd "$HPX_SCRATCH" && find . -mindepth 2)" ./snapshots/new
}

test_usage() {
    write_recipe a.rcp '2 4' 'epochs = 1'
    complains 2 'none.rcp: no such recipe' hpx gc none.rcp
    complains 2 '--max-size x' hpx gc --max-size x
    complains 2 '--max-size -1' hpx gc --max-size=-1
    complains 2 '--max-size k' hpx gc --max-size k
    complains 2 'gc: --pin names no key; usage: hpx gc --pin KEY...' hpx gc --pin
    complains 2 'gc: --unpin does not go with --pin; usage: hpx gc --pin KEY...' hpx gc --pin --unpin 01
    complains 2 'gc: -n does not go with --pin' hpx gc -n --pin 01
    complains 2 'gc: --json does not go with --unpin; usage: hpx gc --unpin KEY...' hpx gc --unpin 01 --json
}

test_keep() {
    write_recipe newest.rcp 2 'epochs = 3'
    write_recipe all.rcp 4 'epochs = 3' 'keep = all'
    write_recipe none.rcp 8 'epochs = 3' 'keep = none'
    write_recipe best.rcp 16 'epochs = 3' 'keep = best' 'objective = train_loss'
    for keep in newest all none best; do
        run 0 hpx build $keep.rcp -q
    done
    equal "$(checkpoints | grep -c ' 3$')" 6 'trajectories with a checkpoint'
    equal "$(checkpoints | grep -c '"n1":8.* 0$')" 2 'trajectories without'
    run 0 hpx gc -n --json
    equal "$(collected 'select(.cell.n1 == 4) | .epoch' | jq -c sort)" '[1,1,2,2]' 'superseded of all'
    equal "$(collected 'select(.cell.n1 == 2)')" '[]' 'superseded of newest'
    run 0 hpx verify
    # Keeping otherwise is no other result.
    sed -i 's/keep = none/keep = newest/' none.rcp
    equal "$(verdicts none.rcp)" '{"hit":2,"extend":0,"train":0}' 'the plan'
    # Without a checkpoint, more epochs start again, and come to the same.
    sed -i 's/epochs = 3/epochs = 4/' none.rcp newest.rcp
    equal "$(verdicts none.rcp)" '{"hit":0,"extend":0,"train":2}' 'the plan'
    equal "$(verdicts newest.rcp)" '{"hit":0,"extend":2,"train":0}' 'the plan'
    run 0 hpx build none.rcp -q
    outputs store | sort >kept
    run 0 hpx build none.rcp -q --store other
    outputs other | sort >fresh
    equal "$(comm -13 kept fresh | wc -l)" 0 'outputs that differ from an uninterrupted training'
}

# A training that is killed under keep = none goes on where it was.
test_keep_none_killed() {
    write_recipe a.rcp 512 'epochs = 2000' 'keep = none'
    sed -i 's/^axis n2.*/axis n2 = 512/' a.rcp
    "$HPX" build a.rcp -q -j 1 >build.out 2>&1 &
    local pid=$!
    has_epochs() { [[ $(hpx ls --json | jq '.[0].epoch // 0') -ge 3 ]]; }
    poll has_epochs
    kill -9 $pid
    wait $pid 2>/dev/null
    equal "$(verdicts a.rcp)" '{"hit":0,"extend":1,"train":0}' 'the plan'
}

test_superseded() {
    write_recipe a.rcp '2 4' 'epochs = 3' 'seeds = 1 2' 'keep = all'
    run 0 hpx build a.rcp -q
    outputs store | sort >results
    hpx build a.rcp -q >table
    run 0 hpx gc -n
    cp out dry
    equal "$(grep -c 'superseded by epoch 3' out)" 16 'lines'
    has err 'nothing was changed'
    run 0 hpx gc -n --json
    cp out dry.json
    equal "$(collected '.epoch' | jq -c unique)" '[1,2]' 'epochs'
    # 3 (64 a + a b + 4 b) - 64 a multiplications per sample and epoch, on 150
    equal "$(collected 'select(.macs != 150 * .epoch * (2 * 64 * .cell.n1 + 3 * (.cell.n1 * .cell.n2 + 4 * .cell.n2)))')" \
        '[]' 'wrong costs'
    is '[.collected[] | .seconds > 0] | all' true
    is '.bytes == ([.collected[].bytes] | add)' true
    is '.live_bytes - .bytes == .live_bytes_after' true
    run 0 hpx gc
    same_files out dry
    empty err
    run 0 hpx gc
    has out '0 checkpoints'
    outputs store | sort >after
    same_files after results
    run 0 hpx build a.rcp -q
    same_files out table
    run 0 hpx verify
    sed -i 's/epochs = 3/epochs = 5/' a.rcp
    equal "$(verdicts a.rcp)" '{"hit":0,"extend":8,"train":0}' 'the plan'
}

# What the recipe would hit or continue stays; of others nothing does, but what is pinned.
test_named() {
    write_recipe a.rcp '2 4' 'epochs = 2' 'seeds = 1 2'
    write_recipe b.rcp '4 8' 'epochs = 2' 'seeds = 2 3'
    sed -i 's/n2 = 2 4/n2 = 2/' a.rcp b.rcp
    run 0 hpx build a.rcp b.rcp -q
    outputs store | sort >results
    checkpoints >before
    equal "$(stored)" 7
    run 0 hpx gc -n --json a.rcp
    equal "$(collected '[.cell.n1, .seed]' | jq -c 'unique')" '[[4,3],[8,2],[8,3]]' 'what is not named'
    equal "$(collected '.reason' | jq -c unique)" '["not named"]' 'the reason'
    cp out dry.json
    run 0 hpx gc --json a.rcp
    same_files out dry.json
    equal "$(checkpoints | grep -c ' 2$')" 4 'checkpoints left'
    equal "$(checkpoints | grep -c ' 0$')" 3 'trajectories without'
    outputs store | sort >after
    same_files after results
    equal "$(verdicts a.rcp)" '{"hit":4,"extend":0,"train":0}' 'the plan'
    equal "$(verdicts b.rcp)" '{"hit":4,"extend":0,"train":0}' 'the plan'
    sed -i 's/epochs = 2/epochs = 3/' a.rcp b.rcp
    equal "$(verdicts a.rcp)" '{"hit":0,"extend":4,"train":0}' 'the plan'
    equal "$(verdicts b.rcp)" '{"hit":0,"extend":1,"train":3}' 'the plan'
    # Trained again, with the same outputs.
    run 0 hpx build b.rcp -q
    has_not err differ
    outputs store | sort >after
    equal "$(comm -23 results after | wc -l)" 0 'results that changed'
    run 0 hpx verify
    # Both recipes: all of that is wanted.
    run 0 hpx gc -n --json a.rcp b.rcp
    is .collected '[]'
    # A recipe that is not here: nothing of it is wanted, and that is said.
    write_recipe c.rcp '32' 'epochs = 2'
    run 0 hpx gc -n --json c.rcp
    has err 'no checkpoint here belongs to the recipe'
    is '.collected | length' 7
    sed -i "s,data/train-images,data/none," c.rcp
    run 2 hpx gc c.rcp
    equal "$(checkpoints | grep -c ' 0$')" 0 'collected in spite of the error'
}

# A recipe of fewer epochs than are stored is a hit; its trajectory's newest checkpoint stays.
test_shorter_recipe() {
    write_recipe a.rcp '2' 'epochs = 5' 'keep = all'
    run 0 hpx build a.rcp -q
    sed -i 's/epochs = 5/epochs = 3/' a.rcp
    run 0 hpx gc --json a.rcp
    equal "$(collected '.epoch' | jq -c 'unique')" '[1,2,3,4]' 'epochs'
    equal "$(verdicts a.rcp)" '{"hit":2,"extend":0,"train":0}' 'the plan'
}

test_pins() {
    local key
    write_recipe a.rcp '2 4' 'epochs = 3' 'keep = all'
    run 0 hpx build a.rcp -q
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 hpx gc --pin "${key:0:10}"
    empty out
    empty err
    run 0 hpx show "$key"
    has out 'pinned'
    run 0 hpx show "$key" --json
    is '.pinned' true
    complains 1 'no such key' hpx gc --pin ffffffffffffffffffffffffffffffff
    run 1 hpx gc --max-size 0 --json
    has err 'above the 0 B asked for'
    is '.size_reached' false
    is '.collected | length' 9
    equal "$(checkpoints | grep -c ' 3$')" 1 'checkpoints left'
    run 0 hpx verify
    run 0 hpx gc --unpin "$key"
    run 0 hpx show "$key" --json
    is '.pinned' false
    run 0 hpx gc --json
    is '.collected | length' 2
}

test_max_size() {
    local live
    write_recipe a.rcp '2 64 128' 'epochs = 1'
    write_recipe b.rcp '256' 'epochs = 1'
    run 0 hpx build a.rcp b.rcp -q
    outputs store | sort >results
    live=$(hpx gc -n --json | jq .live_bytes)
    run 0 hpx gc --max-size 1G --json
    is .collected '[]'
    run 0 hpx gc --max-size $((live - 1)) --json
    is '.collected | length' 1
    is '.live_bytes_after < .live_bytes' true
    is '.size_reached' true
    # What goes is cheaper to train again for its size than all that stays.
    run 1 hpx gc --max-size 0 --json -n
    cp out all.json
    local some # all but half of what the recipe with small networks has
    some=$(jq '.live_bytes - ([.collected[] | select(.cell.n1 < 256).bytes] | add) / 2 | floor' all.json)
    run 0 hpx gc --max-size "$some" --json -n
    cp out dry.json
    is ".live_bytes_after <= $some" true
    is '(.collected | length) as $n | $n > 0 and $n < 7' true
    equal "$(jq -s '[.[0].collected[] | {key, cost: (.macs / .bytes)}] as $all | [.[1].collected[].key] as $gone |
        ([$all[] | select(.key | IN($gone[])).cost] | max) <= ([$all[] | select(.key | IN($gone[]) | not).cost] | min)' \
        all.json dry.json)" true 'the order'
    run 0 hpx gc --max-size "$some" --json
    same_files out dry.json
    run 0 hpx gc --max-size $((some / 1024 + 1))k --json
    is .collected '[]'
    # Never what a recipe names, whatever the size.
    run 1 hpx gc --max-size 1k --json b.rcp
    equal "$(collected 'select(.cell.n1 == 256)')" '[]' 'what is named'
    equal "$(checkpoints | grep -c ' 1$')" 2 'checkpoints left'
    has err 'named by a recipe'
    outputs store | sort >after
    same_files after results
}

# A trajectory in training is left alone, and nothing of it is lost.
test_busy() {
    write_recipe a.rcp 512 'epochs = 2000' 'keep = all'
    sed -i 's/^axis n2.*/axis n2 = 512/' a.rcp
    "$HPX" build a.rcp -q -j 1 >build.out 2>&1 &
    local pid=$!
    has_epochs() { [[ $(hpx ls --json | jq '.[0].epoch // 0') -ge 3 ]]; }
    poll has_epochs
    run 1 hpx gc --max-size 0 --json
    is '[.busy, (.collected | length)]' '[1,0]'
    run 1 hpx gc --max-size 0
    has out '1 trajectory left alone: being trained'
    kill -INT $pid
    wait $pid
    run 0 hpx gc --json
    is '.busy' 0
    is '.collected | length > 1' true
    equal "$(verdicts a.rcp)" '{"hit":0,"extend":1,"train":0}' 'the plan'
}

test_compact() {
    write_recipe a.rcp '64 128' 'epochs = 5' 'keep = all'
    run 0 hpx build a.rcp -q
    outputs store | sort >results
    size() { stat -c %s store/hpx.mdb; }
    local before after
    before=$(size)
    run 0 hpx gc -n --compact
    equal "$(size)" "$before" 'the size after a dry run'
    run 0 hpx gc --compact --json
    is '.compacted_bytes' "$(size)"
    after=$(size)
    ((after < before / 2)) || fail "from $before to $after bytes"
    [[ ! -e store/hpx.mdb.compact ]] || fail 'a temporary file is left'
    run 0 hpx verify
    outputs store | sort >after
    same_files after results
    sed -i 's/epochs = 5/epochs = 6/' a.rcp
    equal "$(verdicts a.rcp)" '{"hit":0,"extend":4,"train":0}' 'the plan'
    run 0 hpx build a.rcp -q
    run 0 hpx verify
}

test_compact_in_use() {
    write_recipe a.rcp 512 'epochs = 1000'
    sed -i 's/^axis n2.*/axis n2 = 512/' a.rcp
    "$HPX" build a.rcp -q -j 1 >build.out 2>&1 &
    local pid=$!
    has_epochs() { [[ $(hpx ls --json | jq '.[0].epoch // 0') -ge 2 ]]; }
    poll has_epochs
    run 1 hpx gc --compact
    has err 'the store is in use by '
    has out 'checkpoints'
    kill -INT $pid
    wait $pid
    run 0 hpx gc --compact
    run 0 hpx verify
}

# Builds and readers come and go while the store is compacted again and again: none of them fails or sees a fault, and
# all that was built is there.
test_compact_under_load() {
    local i pids=() done=0
    builds() { # N
        local k
        for k in 1 2 3 4 5 6; do
            write_recipe "$1-$k.rcp" "$((k * 8 + $1))" 'epochs = 3'
            "$HPX" build "$1-$k.rcp" -q -j 1 >/dev/null 2>>"errors.$1" || echo "build $1-$k: $?" >>"errors.$1"
        done
    }
    reads() {
        while [[ ! -e stop ]]; do
            "$HPX" ls --json 2>>errors.ls | jq -e . >/dev/null || echo 'ls' >>errors.ls
            "$HPX" verify >verified 2>>errors.verify || cat verified >>errors.verify
        done
    }
    write_recipe first.rcp 2 'epochs = 1'
    run 0 hpx build first.rcp -q
    reads &
    local reader=$!
    for i in 0 1 2; do
        builds $i &
        pids+=($!)
    done
    while kill -0 "${pids[@]}" 2>/dev/null; do
        hpx gc --compact >/dev/null 2>compaction && done=$((done + 1))
        ! grep -v 'in use by\|compacted' compaction || fail 'a compaction failed'
    done
    wait "${pids[@]}"
    touch stop
    wait $reader
    cat errors.* >faults
    empty faults
    run 0 hpx gc --compact
    run 0 hpx verify
    equal "$(stored)" $((2 + 3 * 6 * 2))
}

# A small file system that has no room for the copy: said so, and all is as it was. Needs mounts.
test_compact_disk_full() {
    mkdir small
    mount -t tmpfs -o size=3m tmpfs small 2>/dev/null || return 0
    write_recipe a.rcp '256' 'epochs = 2'
    local code=0
    HPX_STORE=$PWD/small/store HPX_DATA=$PWD/hpxdata
    export HPX_DATA
    run 0 hpx build a.rcp -q
    outputs small/store | sort >results
    # Fill what is left, but for a few pages.
    head -c 10M /dev/zero >small/filler 2>/dev/null
    "$HPX" gc --compact >out 2>err || code=$?
    outputs small/store | sort >after
    hpx verify >verified 2>&1 || code=verify
    [[ ! -e small/store/hpx.mdb.compact ]] || code='a temporary file'
    umount small
    equal "$code" 1 'the exit code'
    has err 'disk full; what was stored before is intact'
    same_files after results
}

run_tests "$@"
