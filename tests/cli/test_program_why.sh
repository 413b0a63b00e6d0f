# Why trials of programs are trained, and what the reports show of their results.
. "$(dirname "$0")/common.sh"

export HPX_SCRATCH=$PWD/scratch

write() { # a repository of a program, and its results in the store
    mkdir -p src data
    cat >train.sh <<'X'
. ./src/util.sh
echo "val.acc=$(score "$2") lr=7 loss=0.5 extra=1"
X
    echo 'score() { awk "BEGIN { print 1 - $1 }"; }' >src/util.sh
    echo 1 2 3 >data/train.txt
    echo tool 1.0 >version.txt
    cat >p.rcp <<'X'
program
  command = sh train.sh --lr $lr
  code    = train.sh src/
  data    = data/train.txt
  version = "cat version.txt"
  env     = MODE=fast LR=$lr
  metrics = stdout
train
  objective = maximise val.acc
axis lr = 0.1 0.2
search all
  method = grid
X
    git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm one
    run 0 hpx build -q p.rcp
}

differences() { # LINE...: what `why` says of the cell lr=0.1
    run 0 hpx why p.rcp lr=0.1
    equal "$(sed -n 's/^    //p' out)" "$(printf '%s\n' "$@")"
}

test_files() {
    write
    run 0 hpx plan p.rcp --exit-code
    old=$(git hash-object src/util.sh)
    echo '# faster' >>src/util.sh
    new=$(git hash-object src/util.sh)
    differences "src/util.sh: ${old:0:4} -> ${new:0:4}"
    run 10 hpx plan p.rcp --exit-code
    has out "src/util.sh: ${old:0:4} -> ${new:0:4}"
    run 0 hpx why p.rcp lr=0.1 --json
    is '.code_change.files' '["src/util.sh"]'
    git checkout -q src/util.sh
    echo new >src/new.sh
    differences 'src/new.sh added'
    rm src/new.sh
    chmod +x train.sh
    differences 'train.sh has another mode'
    chmod -x train.sh
    run 0 hpx plan p.rcp --exit-code
    echo 'echo $*' >other.sh # is no code of the program
    run 0 hpx plan p.rcp --exit-code
}

test_data_versions_and_words() {
    write
    echo 4 >>data/train.txt
    differences 'data/train.txt changed'
    echo 1 2 3 >data/train.txt
    echo tool 1.1 >version.txt
    differences 'version: tool 1.0 -> 1.1'
    echo tool 1.0 >version.txt
    run 0 hpx why p.rcp 'program.env=MODE=slow LR=$lr' lr=0.1
    has out '    env MODE fast -> slow'
    run 0 hpx why p.rcp 'command=sh train.sh --fast --lr $lr' lr=0.1
    has out '    command ... train.sh ... -> ... train.sh --fast ...'
    run 0 hpx plan p.rcp 'command=sh train.sh --fast --lr $lr'
    has out 'command ... train.sh ... -> ... train.sh --fast ...'
    has_not out 'never seen'
    run 0 hpx why p.rcp axis.lr=0.3 lr=0.3
    equal "$(sed -n 's/^    lr 0.[12] -> /lr /p' out)" 'lr 0.3' # from the one that was trained last
    run 0 hpx plan p.rcp threads=2
    has out 'threads 1 -> 2'
    run 0 hpx plan p.rcp program.timeout=9h keep=none # which decide no result
    has out '2 hit'
}

test_many_files() {
    write
    (cd data && seq 5000 | split -l 1 -a 4 -d - part-)
    sed -i 's|data/train.txt|data/part-*|' p.rcp
    run 0 hpx build -q p.rcp
    key=$(hpx ls p.rcp --json | jq -r '.[0].key')
    run 0 hpx show "$key"
    has out '    data/part-4999 '
    run 0 hpx show "$key" --json
    is '.dataset.files | [length, .[1].name, .[1].size]' '[5000,"data/part-0001",2]'
    run 0 hpx audit "$key" --json
    is '.[0].dataset.files | length' 5000
    run 0 hpx export --all -o all.hpxb
    run 0 hpx import --store other all.hpxb
    run 0 hpx verify --store other
    run 0 hpx reproduce "$key"
    echo changed >data/part-0500
    rm data/part-0600
    echo new >data/part-new
    differences 'data/part-0500 changed' 'data/part-0600 removed' 'data/part-new added'
    complains 1 'its data data/part-0500 is not there any more as it was' hpx reproduce "$key"
}

test_time_of_a_plan() {
    write
    run 0 hpx plan p.rcp axis.lr=0.3
    has_not out '?'
    run 0 hpx plan p.rcp 'command=sh train.sh --new $lr'
    has out '?'
}

test_reports() {
    write
    run 0 hpx ls p.rcp
    equal "$(head -1 out | tr -s ' ')" 'key cell seed epoch val.acc data code'
    run 0 hpx ls
    has out 'val.acc 0.9000, lr 7.0000, loss 0.5000, ...'
    run 0 hpx ls p.rcp --metrics --where metric.lr=7
    equal "$(wc -l <out)" 3
    run 0 hpx audit
    has out 'val.acc 0.9000'
    has out '2 results of program '
    has_not out 'no branch or tag leads to its commit'
    run 0 hpx log p.rcp lr=0.1
    equal "$(wc -l <out)" 2
    has out '0.9000'
    run 0 hpx export --csv p.rcp
    cp out table.csv
    equal "$(head -1 table.csv)" 'lr,seed,epoch,status,val.acc,metric.lr,loss,extra,seconds,key'
    run 0 hpx replay table.csv p.rcp
    has out '0.9000'
    mapfile -t keys < <(hpx ls p.rcp --json | jq -r '.[].key')
    run 0 hpx diff "${keys[0]}" "${keys[1]}"
    has out 'lr 0.'
    has_not out command
    echo '# edit' >>src/util.sh
    run 0 hpx build -q p.rcp
    run 0 hpx log p.rcp lr=0.1
    equal "$(wc -l <out)" 3
}

test_not_adopted() {
    write
    run 0 hpx ls p.rcp --json
    version=$(jq -r '.[0].code.version' out)
    run 2 hpx adopt "$version" --reason 'a comment'
    has err "not adopted: ${version:0:8} is the code of a program"
}

test_without_code() {
    write
    sed -i '/code *=/d; s/sh train.sh --lr/echo val.acc=/; s/= $lr/=$lr/' p.rcp
    run 0 hpx build p.rcp
    has err "warning: p.rcp:1:1: program has no 'code'"
    run 0 hpx build -q p.rcp
    empty err
}

# A repository that cannot be read is no reason not to train; that the commit is not known is said where it is trained.
test_unreadable_repository() {
    git init -q --object-format=sha256 .
    printf '%s\n' program '  command = echo score=$n' '  code = a' '  metrics = stdout' train \
        '  objective = maximise score' 'axis n = 1' 'search all' '  method = grid' >p.rcp
    echo a >a
    run 0 hpx build p.rcp
    has err 'hpx: warning: results do not have the commit: '
    run 0 hpx audit --json p.rcp
    is '[.[0].code | .commit, .dirty]' '[null,null]'
    run 0 hpx build p.rcp
    has_not err warning
}

# A submodule at the commit that it has to be on is no edit; what differs from that is, and the patch has it.
test_submodule() {
    local as=(-c user.name=a -c user.email=a@b -c protocol.file.allow=always)
    git init -q lib
    echo 'score() { echo "$1"; }' >lib/util.sh
    echo unused >lib/more.sh
    echo '*.log' >lib/.gitignore
    echo '# no code' >lib/old.rcp
    git -C lib add -A
    git -C lib "${as[@]}" commit -qm lib
    git init -q top
    cd top || return
    git "${as[@]}" submodule --quiet add ../lib parts/lib
    echo '. parts/lib/util.sh; echo "score=$(score "$1")"' >train.sh
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh parts' '  metrics = stdout' train \
        '  objective = maximise score' 'axis n = 1' 'search all' '  method = grid' >p.rcp
    git add -A
    git "${as[@]}" commit -qm top
    dirty() {
        rm -rf "$HPX_STORE" # what is stored keeps the commit that made it
        run 0 hpx build -q p.rcp
        run 0 hpx audit --json p.rcp
        is '[.[0].code | .dirty, .patch != null]' "[$1,$1]"
    }
    dirty false
    echo '# edited' >>parts/lib/util.sh
    rm parts/lib/more.sh
    dirty true
    hpx audit p.rcp >audit
    run 0 hpx audit --patch "$(sed -n 's/.*--patch \([0-9a-f]*\)).*/\1/p' audit)"
    has out '+# edited'
    has out '-unused'
    equal "$(git apply --stat out | wc -l)" 3 'the lines of the patch in short'
    git -C parts/lib checkout -q .
    rm parts/lib/.gitignore # code as any other file of it
    dirty true
    git -C parts/lib checkout -q .
    rm parts/lib/old.rcp # a recipe is none
    dirty false
    git -C parts/lib "${as[@]}" commit -q --allow-empty -m other
    echo x >>parts/lib/util.sh
    git -C parts/lib "${as[@]}" commit -qam 'one that the outer commit does not name'
    dirty true
    git "${as[@]}" commit -qam bump
    dirty false
    rm -rf parts/lib/.git .git/modules # its commit cannot be had
    dirty true
}

run_tests "$@"
