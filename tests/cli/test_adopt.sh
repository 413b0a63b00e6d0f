# Edits of the trainer that change no number: adopted by proof, refused where a number changes, asserted, forgotten. Copies
# the sources into a repository of its own and builds each version there, which takes a while: HPX_SKIP_SLOW=1 leaves it out.
. "$(dirname "$0")/common.sh"

. "$(dirname "$0")/own_repository.sh"

build_hpx() { # NAME: builds the sources as they are; the binary is ./NAME, its trainer $NAME
    make_hpx .
    cp build/hpx "$1"
    declare -g "$1=$("./$1" --version | sed 's/.*trainer \([0-9a-f]*\).*/\1/')"
}

use() { # NAME: the binary that `hpx` runs
    HPX=$PWD/$1
}

write_recipe() { # FILE EPOCHS ACTIVATION...
    {
        printf '%s\n' 'dataset toy' '  validation = 50' '  train = data/train-images data/train-labels' \
            '  test = data/test-images data/test-labels' 'model mlp' '  hidden = $n' '  activation = $act' 'train' \
            '  batch = 32' "  epochs = $2" '  optimizer = $opt' 'axis n = 2 4' 'axis opt = adam sgd' \
            "axis act = ${*:3}" 'search grid' '  method = grid'
    } >"$1"
}

counts() { # of ./out
    jq -c '.searches[0].trials | [.hit, .extend, .train]' out
}

one_build() { # COUNTS RECIPE [WHAT]: what a build finds
    run 0 hpx build "$2" -q --json
    equal "$(counts)" "$1" "hits, extensions and trainings${3:+ $3}"
}

outputs_of() { # "epoch output" of every stored epoch, whatever the key
    outputs "$1" | cut -d' ' -f2,3 | sort
}

set_up() {
    copy_sources .
    printf '%s\n' /build/ /store/ /other/ /old /new /newer /tanh out err make.log >.gitignore
    write_recipe a.rcp 2 relu tanh
    write_recipe b.rcp 4 relu tanh
    write_recipe c.rcp 2 relu tanh sigmoid
    git init -q .
    git add -A
    git commit -q -m first
    build_hpx old
    echo '/* A comment. */' >>src/nn/activation.c
    git commit -q -a -m comment
    build_hpx new
    echo '/* Another. */' >>src/nn/activation.c
    build_hpx newer
    sed -i 's/tanhf(/1.0001f * tanhf(/' src/nn/activation.c
    build_hpx tanh
    differ "$old" "$new" 'the trainer after an edit'
    differ "$newer" "$tanh" 'the trainer after another edit'
}

test_adopt() {
    set_up
    use old
    run 0 hpx adopt
    equal "$(wc -l <out)" 1 'the lines of a list of nothing'
    # Where there are wider vectors than AVX2, a processor without them made the old results.
    HPX_VECTOR=$(has_avx2 && echo avx2) one_build '[0,0,8]' a.rcp
    run 0 hpx build b.rcp -q --store other

    # All miss, and the way out is named.
    use new
    run 0 hpx plan a.rcp -q
    has out "if the trainer's edit changes no number: hpx adopt $old $new"
    run 0 hpx why a.rcp n=2 opt=adam act=relu -q
    has out "if that edit changes no number: hpx adopt $old $new"
    has_not out adopted

    # What cannot be adopted.
    complains 2 '--forget alone' hpx adopt "$old" --forget "$new" -q
    complains 2 '--forget alone' hpx adopt --sample 3
    complains 2 'expected a whole number' hpx adopt "$old" --sample 0
    complains 2 'not the trainer of this binary' hpx adopt "$old" "$old" -q
    complains 1 'no result is of such a trainer' hpx adopt 0123456789 -q
    complains 1 'no such trainer was adopted' hpx adopt --forget "$new" -q
    use old
    complains 2 'is the trainer of this binary' hpx adopt "$old" -q
    use new

    # The sample has every optimizer with every activation three times, or as often as there are such.
    run 0 hpx adopt "$old" "$new" -q --json
    is '[.results, .copied, .apart, .adoption.proven, (.adoption.keys | length), .adoption.epochs, .adoption.reason]' \
        '[8,0,0,true,8,16,null]'
    is '[.adoption.holds, (.adoption.paths | index("activation tanh", "optimizer sgd") != null)]' '[8,true,true]'
    one_build '[8,0,0]' a.rcp 'after the adoption'
    run 0 hpx report a.rcp -o page.html
    has page.html 'Equivalent trainers'
    grep -q "trainer $new is equivalent to .*$old.* equal, bit for bit, .*(8 trials)" page.html || fail 'the page does not name the proof'
    run 0 hpx why a.rcp n=4 opt=sgd act=tanh -q --json
    is .verdict '"hit"'
    run 0 hpx adopt "$old" "$new" --sample 1000 -q --json
    is '.adoption.keys | length' 8
    run 0 hpx adopt
    grep -Eq "^$new +$old +16 epochs of 8 trajectories equal, bit for bit " out || fail 'the adoption is not listed'
    run 0 hpx adopt --json
    is '[length, .[0].trainer[:8], .[0].as[:8], .[0].epochs]' "[1,\"$new\",\"$old\",16]"

    # A continued training is what the old trainer gives, bit for bit; and the old trainer finds it.
    one_build '[0,8,0]' b.rcp 'of more epochs'
    outputs "$HPX_STORE" >ours
    outputs other >theirs
    same_files ours theirs
    use old
    one_build '[8,0,0]' b.rcp 'for the old trainer'
    use new

    # Who made what, and what it is equivalent to.
    run 0 hpx audit -q
    has out "8 results made by trainer $new, equivalent to $old"
    has out "trainer $new is equivalent to $old: 16 epochs of 8 trajectories equal, bit for bit, "
    has_not out mixed
    has_not out 'does not have'
    run 0 hpx audit --json -q
    is '[.[] | [.code.version[:8], .counted_as[:8], (.adoptions | length), .adoptions[0].proven]] | unique' \
        "[[\"$new\",\"$old\",1,true]]"
    run 0 hpx why a.rcp n=2 opt=adam act=relu -q
    has out "adopted  trainer $new is equivalent to $old: 16 epochs of 8 trajectories equal, bit for bit, "
    run 0 hpx why a.rcp n=2 opt=adam act=relu -q --json
    is '[.verdict, .counted_as[:8], .adoptions[0].trainer[:8]]' "[\"hit\",\"$old\",\"$new\"]"
    run 0 hpx audit --json -q
    key=$(jq -r '[.[] | select(.cell.act == "tanh")][0].key' out)
    run 0 hpx show "$key"
    has out "equivalent  made by trainer $new, equivalent to $old"
    has out "adopted     trainer $new is equivalent to $old: 16 epochs"
    run 0 hpx show "$key" --json
    is '[.counted_as[:8], .adoptions[0].trainer[:8]]' "[\"$old\",\"$new\"]"
    run 0 hpx verify --rebuild 100% -q
    has out '8 trained again: 8 the same'
    run 0 hpx reproduce "$key" --json
    is '[.verdict, .compared]' '["same",4]'

    # What the proof does not cover stays this trainer's.
    one_build '[8,0,4]' c.rcp 'of another activation'
    run 0 hpx audit c.rcp --json -q
    is '[.[] | [.cell.act, .counted_as[:8]]] | unique' \
        "[[\"relu\",\"$old\"],[\"sigmoid\",\"$new\"],[\"tanh\",\"$old\"]]"
    run 0 hpx verify
    has out ' 0 damaged'

    # A store that has the results and not the adoption.
    run 0 hpx export -o bundle b.rcp -q
    run 0 hpx import bundle --store third -q
    run 0 hpx audit --store third -q
    has out "8 results made by trainer $new, equivalent to $old, by an adoption that this store does not have"

    # An adoption of an adopted one, and no circle.
    use newer
    run 0 hpx adopt "$new" -q --json
    is '[.adoption.as[:8], .results]' "[\"$new\",12]"
    one_build '[8,0,0]' b.rcp 'from adoption to adoption'
    one_build '[12,0,0]' c.rcp 'from adoption to adoption'
    complains 1 "is equivalent to $new already" hpx adopt "$old" -q
    use old
    complains 1 "trainer $newer is equivalent to $old already" hpx adopt "$newer" -q

    # Forgotten.
    run 0 hpx adopt --forget "$new"
    use new
    run 10 hpx plan a.rcp -q --exit-code
    use newer
    one_build '[4,0,8]' c.rcp 'after one of two adoptions was forgotten'
    use new
    one_build '[8,0,0]' a.rcp 'that the trainer adopted by it has trained since'
}

test_refused() {
    cp -a "$scratch"/test_adopt/{a.rcp,c.rcp,old,new,newer,tanh,src,.git} .
    for name in old new newer tanh; do
        declare "$name=$("./$name" --version | sed 's/.*trainer \([0-9a-f]*\).*/\1/')"
    done
    use old
    one_build '[0,0,8]' a.rcp

    # An edit that changes the numbers of one activation: nothing is adopted.
    use tanh
    run 12 hpx adopt "$old" -q
    has err 'this trainer gives another output'
    has out "    trainer $old -> $tanh"
    has out 'differs from epoch 1 on'
    grep -Eq '^    train_loss [0-9.]+ -> [0-9.]+$' out || fail 'no losses'
    has out 'act=tanh'
    run 12 hpx adopt "$old" -q --json
    is '[.verdict, .first_different_epoch, .diff[0].field]' '["differs",1,"code.version"]'
    run 0 hpx adopt --json
    is . '[]'
    run 0 hpx verify
    run 10 hpx plan a.rcp -q --exit-code

    # By assertion, which is said; to nothing that both have stored and that differs.
    run 0 hpx adopt "$old" -q --reason 'nobody uses tanh'
    has out "trainer $tanh is equivalent to $old: asserted, not proven, "
    has out ': nobody uses tanh'
    one_build '[8,0,0]' a.rcp 'by assertion'
    run 0 hpx audit -q
    has out "trainer $tanh is equivalent to $old: asserted, not proven, "
    run 0 hpx adopt --json
    is '[.[0].proven, .[0].keys, .[0].reason]' '[false,[],"nobody uses tanh"]'
    one_build '[8,0,4]' c.rcp 'by assertion, of another activation'
    run 0 hpx audit c.rcp --json -q
    is '[.[].counted_as[:8]] | unique' "[\"$old\"]"
    run 0 hpx adopt --forget "$tanh"
    one_build '[0,0,8]' a.rcp 'after the assertion was forgotten'
    run 12 hpx adopt "$old" -q --reason 'once more'
    has err 'have stored different outputs'
    run 0 hpx adopt --json
    is . '[]'

    # Trained before it was adopted: compared and stored again as the other's, epochs beyond the other's with it.
    use new
    sed 's/epochs = 2/epochs = 3/' a.rcp >d.rcp
    one_build '[0,0,8]' d.rcp
    run 0 hpx adopt "$old" --reason 'a comment' --sample 1 -q --json
    # Four more are trained: what was made by assertion is stored as the other's, and has an activation of its own.
    is '[.results, .copied, (.adoption.keys | length), .adoption.epochs, .adoption.reason]' '[12,8,12,24,"a comment"]'
    one_build '[8,0,0]' d.rcp 'that this trainer had trained'
    use old
    one_build '[8,0,0]' d.rcp 'that the other trainer had trained'
    sed 's/epochs = 2/epochs = 4/' a.rcp >d.rcp
    one_build '[0,8,0]' d.rcp 'from checkpoints of the other trainer'
    run 0 hpx verify
    has out ' 0 damaged'

    # Without its data nothing can be trained again.
    use newer
    mv data gone
    complains 1 'not adopted: ' hpx adopt "$old" -q
    mv gone data

    # Of other numerics there is nothing to compare with, or they stay apart.
    other_numerics || return 0
    complains 1 'of other numerics' hpx adopt "$old" -q
}

# A training that failed did not take all paths that its settings name, so that it proves nothing but itself.
test_failed() {
    cp -a "$scratch"/test_adopt/{old,new,src,.git} .
    for name in old new; do
        declare "$name=$("./$name" --version | sed 's/.*trainer \([0-9a-f]*\).*/\1/')"
    done
    sed 's/activation = $act/activation = relu/; s/optimizer = $opt/optimizer = sgd\n  rate = 10\n  weight-decay = $decay/
        s/^axis act.*/axis decay = 0 800 900 1000/; /^axis opt/d' "$scratch/test_adopt/a.rcp" >f.rcp
    use old
    one_build '[0,0,8]' f.rcp
    is '.searches[0].trials.failed' 6
    hpx ls --json | jq -c '[.[] | select(.status == "failed") | .key] | sort' >failed
    use new
    run 0 hpx adopt "$old" -q --json
    jq -c --slurpfile failed failed '.adoption.keys - (.adoption.keys - $failed[0]) | sort' out >proven
    same_files failed proven
    one_build '[8,0,0]' f.rcp 'after the adoption'
    is '.searches[0].trials.failed' 6
}

# Results whose manifests name the vectors, as those of earlier versions do, and of two machines: proven each by a sample of
# its own.
test_numerics() {
    local vector other=avx2
    has_avx2 || return 0 # plain vectors round otherwise
    copy_sources .
    printf '%s\n' /build/ /store/ /old /new out err make.log >.gitignore
    write_recipe a.rcp 2 relu tanh
    write_recipe b.rcp 2 tanh
    git init -q .
    git add -A
    git commit -q -m first
    sed -i 's/if (hpx_vector_kind() == HPX_VECTOR_PLAIN) {/{/; s/hpx_vector_name(HPX_VECTOR_PLAIN)/hpx_vector_name(hpx_vector_kind())/' \
        src/nn/numerics.c
    build_hpx old
    git checkout -q src
    build_hpx new
    use old
    HPX_VECTOR=avx512 hpx --version >/dev/null 2>&1 && other=avx512
    HPX_VECTOR=avx2 one_build '[0,0,8]' a.rcp
    HPX_VECTOR=$other hpx build b.rcp -q --json >out
    HPX_VECTOR=plain one_build '[0,0,4]' b.rcp 'with plain vectors'

    use new
    one_build '[0,0,4]' b.rcp 'before the adoption'
    run 0 hpx adopt "$old" -q --json
    is '[.results, .left, .apart, (.adoptions | length >= 1)]' "[$([[ $other == avx2 ]] && echo 8 || echo 12),0,4,true]"
    for vector in $(jq -r '.adoptions[].as_numerics.vector' out); do
        [[ $vector == avx2 || $vector == "$other" ]] || fail "an adoption of $vector vectors"
    done
    one_build '[8,0,0]' a.rcp 'after the adoption'
    run 0 hpx adopt "$old" -q
    has out "trainer $new is equivalent to $old with "
    has out '4 trajectories are of '
    has out ' of other numerics: the proof does not reach them'
    run 0 hpx adopt
    has out "$old with "
    run 0 hpx audit -q
    has out "trainer $new is equivalent to $old with "
    has_not out 'does not have'
    write_recipe a.rcp 3 relu tanh
    one_build '[0,8,0]' a.rcp 'of more epochs'
    run 0 hpx audit -q
    has out "8 results made by trainer $new, equivalent to $old"
    has_not out 'does not have'
    run 0 hpx verify
    has out ' 0 damaged'

    # Of plain vectors it is the other way round: theirs are of the same numerics, and all others are out of reach.
    run 0 env HPX_VECTOR=plain "$HPX" adopt "$old" -q --json
    is '[.results, (.adoptions | length), .adoption.as_numerics == .adoption.numerics]' '[4,1,true]'
    HPX_VECTOR=plain one_build '[4,0,0]' b.rcp 'of the same plain vectors'
}

run_tests "$@"
