# Results of programs, trained again by the code that is stored with them: reproduce, and verify --rebuild.
. "$(dirname "$0")/common.sh"

write_program() { # [LINE...]: of the statement; train.sh prints a + a number of its helper + one of its data
    mkdir -p src data
    echo 'echo "score=$(($1 + $(cat src/helper) + $(cat data/x)))"' >train.sh
    echo 10 >src/helper
    echo 100 >data/x
    cat >r.rcp <<X
program
  command = sh train.sh \$a
  code    = train.sh src/
  data    = data/x
  metrics = stdout
$(printf '  %s\n' "$@")
train
  objective = maximise score
axis a = 1 2
search grid
  method = grid
X
}

build() {
    run 0 hpx build r.rcp -q
    key=$(hpx ls --json | jq -r '.[0].key')
}

test_after_edits() {
    write_program
    build
    echo 11 >src/helper
    rm train.sh
    run 0 hpx reproduce "$key"
    has out "the program's code that is stored with it"
    has out 'the same, by what its recipe says of repeated runs: 1 of 1'
    run 0 hpx verify --rebuild=100
    has out '2 trained again: 2 the same'
}

# Nothing of the machine but the store: neither work tree nor snapshot.
test_from_the_store() {
    write_program 'version = "echo 1"'
    build
    rm -r src train.sh r.rcp
    chmod -R u+w "$HPX_SCRATCH"
    rm -r "$HPX_SCRATCH"
    run 0 hpx reproduce "$key"
    has out 'the same'
}

test_data_gone() {
    write_program
    build
    echo 101 >data/x
    complains 1 "its data data/x is not there any more as it was" hpx reproduce "$key"
    run 0 hpx verify --rebuild=100
    has out '0 trained again: 0 the same, 0 differ, 0 failed; 2 are of other code, machines or data'
    echo 100 >data/x
    run 0 hpx reproduce "$key"
}

test_differs() {
    write_program
    echo 'echo "score=$(cat '"$PWD"'/outside)"' >train.sh
    echo 1 >outside
    build
    echo 2 >outside
    run 12 hpx reproduce "$key"
    has out 'differs from epoch 1 on'
    run 12 hpx verify --rebuild=100
}

test_within() {
    write_program 'repeat = within 1.5'
    echo 'echo "score=$(cat '"$PWD"'/outside)"' >train.sh
    echo 1 >outside
    build
    echo 2 >outside
    run 0 hpx reproduce "$key"
    echo 3 >outside
    run 12 hpx reproduce "$key"
}

# Each run is kept beside the first.
test_replicates() {
    write_program 'repeat = no'
    echo 'echo "score=$(cat '"$PWD"'/outside)"' >train.sh
    echo 1 >outside
    build
    echo 2 >outside
    run 0 hpx reproduce "$key"
    run 0 hpx show "$key" --json
    is '[.replicates[].metrics.score]' '[2]'
    is '.conflicts' '[]'
    run 0 hpx verify --rebuild=100
    has out '2 trained again: 2 the same'
    run 0 hpx show "$key" --json
    is '.replicates | length' 2
}

# Another version is another result: it is trained, and said.
test_other_version() {
    write_program 'version = "cat version"'
    echo 1 >version
    build
    echo 2 >version
    run 0 hpx reproduce "$key"
    has out 'version'
    run 0 hpx verify --rebuild=100
    has out '0 trained again'
}

test_imported() {
    write_program
    build
    run 0 hpx export -o b.hpx --all
    export HPX_STORE=$PWD/other
    run 0 hpx import b.hpx
    run 1 hpx reproduce "$key"
    has err 'came by an import'
    has err 'src/helper'
    run 0 hpx verify --rebuild=100
    has out '0 trained again'
    run 0 hpx reproduce "$key" --trust # its data is in the current folder
    has out 'the same'
}

run_tests "$@"
