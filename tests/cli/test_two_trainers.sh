#!/bin/bash
# Each trainer's results hang on its own sources: of two built in, an edit of one's misses its results and keeps the
# other's. The second one is tests/trainer/quadratic.c, moved into a copy of the sources. Builds them, which takes a while:
# HPX_SKIP_SLOW=1 leaves it out.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_repository.sh"

add_quadratic() { # to the sources in ./
    sed -e '/^static const hpx_sources/d' -e 's/&sources/\&hpx_sources_quadratic/' -e '/^__attribute__/,$d' \
        -e 's/^static const hpx_trainer quadratic/const hpx_trainer hpx_trainer_quadratic/' \
        -e 's/#include "hpx\/trainer.h"/#include "trainers.h"/' \
        "$SOURCE_ROOT/tests/trainer/quadratic.c" >src/trainer/quadratic.c
    sed -i 's/^TRAINERS = .*/& quadratic\nSOURCES_quadratic = src\/trainer\/quadratic.c/' Makefile
    sed -i -e 's/&hpx_trainer_cnn}/\&hpx_trainer_cnn, \&hpx_trainer_quadratic}/' -e 's/"cnn"}/"cnn", "quadratic"}/' \
        src/trainer/registry.c
    sed -i 's/^extern const hpx_sources hpx_sources_mlp;/&\nextern const hpx_sources hpx_sources_quadratic;\nextern const hpx_trainer hpx_trainer_quadratic;/' \
        src/trainer/trainers.h
}

write_recipes() {
    recipe mlp.rcp 'epochs = 1' <<'X'
axis n1 = 2 4
axis n2 = 2
search grid
  method = grid
X
    printf '%s\n' 'model quadratic' '  start = $s' 'train' '  epochs = 2' 'axis s = 1 2 3' 'search grid' '  method = grid' \
        >quadratic.rcp
}

verdicts() { # of both recipes: trials that are stored, and that are to be trained
    local name
    for name in mlp quadratic; do
        run 0 hpx plan --json $name.rcp
        jq -c '.searches[0].verdicts | [.hit, .train]' out
    done | paste -sd ' '
}

test_edit_of_one() {
    copy_sources .
    add_quadratic
    write_recipes
    HPX=$PWD/build/hpx
    build_hpx
    run 0 hpx build -q mlp.rcp quadratic.rcp
    equal "$(verdicts)" '[2,0] [3,0]' 'hits and trainings of the perceptron and of the quadratic'

    echo '/* A comment. */' >>src/trainer/quadratic.c
    build_hpx
    equal "$(verdicts)" '[2,0] [0,3]' 'after an edit of the quadratic'
    run 0 hpx build -q quadratic.rcp

    # What only convolutional networks are made of is nobody else's.
    printf '%s\n' 'axis n1 = 2' 'search grid' '  method = grid' | recipe cnn.rcp 'epochs = 1'
    sed -i 's/model mlp/model cnn/; s/hidden = .*/filters = $n1/' cnn.rcp
    run 0 hpx build -q cnn.rcp
    echo '/* A comment. */' >>src/nn/convolution.c
    build_hpx
    equal "$(verdicts)" '[2,0] [3,0]' 'after an edit of the convolution'
    run 0 hpx plan --json cnn.rcp
    is '.searches[0].verdicts | [.hit, .train]' '[0,1]'

    echo '/* A comment. */' >>src/nn/mlp.c
    build_hpx
    equal "$(verdicts)" '[0,2] [3,0]' 'after an edit of the perceptron'

    # What all trainers may use, but none depends on, misses nothing.
    run 0 hpx build -q mlp.rcp
    echo '/* A comment. */' >>src/base/buffer.c
    build_hpx
    equal "$(verdicts)" '[2,0] [3,0]' 'after an edit of a neutral file'
}

run_tests
