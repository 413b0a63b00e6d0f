#!/usr/bin/env bash
# export --optuna: what Optuna itself makes of the file, and what is in it. Tests with Optuna are skipped, with a word, where
# it is not installed.
. "$(dirname "$0")/common.sh"

# What Optuna reads of ./study: "DIRECTION NAME", then a line a trial, then the best one where there is one.
read_study() {
    python3 - >read 2>err <<'X' || fail 'Optuna cannot read it'
import json, warnings
import optuna
warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage("study"))
study, = storage.get_all_studies()
study = optuna.load_study(study_name=study.study_name, storage=storage)
print(study.direction.name, study.study_name, json.dumps(study.user_attrs))
for trial in study.trials:
    for name, distribution in trial.distributions.items():
        assert distribution._contains(distribution.to_internal_repr(trial.params[name])), (name, trial)
    assert trial.duration.total_seconds() > 0
    print(json.dumps([trial.state.name, trial.params, trial.value, trial.intermediate_values, trial.user_attrs["seeds"]]))
if study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
    print("best", json.dumps([study.best_params, study.best_value]))
print({name: str(distribution) for name, distribution in study.trials[0].distributions.items()})
X
}

test_same_best_and_same_values() {
    needs optuna
    recipe a.rcp 'epochs = 3' 'seeds = 1 2' 'rate = $rate' 'optimizer = $how' <<'X'
axis n1 = log2 4..16
axis n2 = 4
axis rate = log10 1e-3..1e-1
axis how = sgd adam
search all
  method = grid
X
    run 0 hpx build a.rcp -j2 --json
    mv out built
    run 0 hpx export --optuna study a.rcp
    has err 'exported 18 trials'
    empty out
    read_study
    has read 'MAXIMIZE a {"objective": "validation_accuracy", "epochs": 3}'
    equal "$(grep -c '^\["COMPLETE"' read)" 18 'trials'
    # The same cells with the same scores, to the last digit, and the same best one.
    grep '^\[' read | jq -cS '[.[1], .[2]]' | sort >theirs
    jq -cS '.searches[0].trace[] | [.cell, .score]' built | sort >ours
    same_files ours theirs
    equal "$(sed -n 's/^best //p' read | jq -cS .)" \
        "$(jq -cS '.searches[0] | [.incumbent, .incumbent_score]' built)" 'the best trial'
    # Intermediate values are the scores of these epochs.
    run 0 hpx build a.rcp epochs=2 --json
    grep '^\[' read | jq -cS '[.[1], .[3]["2"]]' | sort >theirs
    jq -cS '.searches[0].trace[] | [.cell, .score]' out | sort >ours
    same_files ours theirs
    has read "'n1': 'IntDistribution(high=16, log=True, low=4, step=1)'"
    has read "'rate': 'FloatDistribution(high=0.1, log=True, low=0.001, step=None)'"
    has read "'how': \"CategoricalDistribution(choices=('sgd', 'adam'))\""
}

# What Optuna goes on with after that.
test_optuna_goes_on() {
    needs optuna
    recipe a.rcp 'epochs = 1' 'objective = train_loss' <<'X'
axis n1 = 4 8 16
axis n2 = 2 4
search all
  method = grid
X
    run 0 hpx build a.rcp -j2
    run 0 hpx export --optuna study a.rcp
    read_study
    has read 'MINIMIZE a'
    has read "'n1': 'IntDistribution(high=16, log=False, low=4, step=4)'"
    python3 - 2>err <<'X' || fail 'Optuna does not go on'
import optuna
storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage("study"))
study = optuna.load_study(study_name="a", storage=storage)
best = study.best_value
study.optimize(lambda trial: trial.suggest_int("n1", 4, 16, step=4) + trial.suggest_int("n2", 2, 4, step=2), n_trials=3)
assert len(study.trials) == 9 and study.best_value == best
X
}

# A failed cell, one that stopped at fewer epochs, and one of which a seed is missing.
test_what_is_not_complete() {
    recipe a.rcp 'epochs = 4' 'seeds = 1 2' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' <<'X'
axis n1 = 4
axis n2 = 4
axis decay = 0 0.001 0.002 500
search all
  method = grid
X
    run 0 hpx build a.rcp axis.decay='0 500' -k
    run 0 hpx build a.rcp axis.decay=0.001 epochs=2
    run 0 hpx build a.rcp axis.decay=0.002 seeds=2
    run 0 hpx export --optuna study a.rcp
    has err '1 cell is left out'
    has err 'exported 3 trials'
    equal "$(jq -c 'select(.op_code == 4) | [.params.decay, .state, .value == null, (.intermediate_values | keys)]' study)" \
        '[0,1,false,["1","2","3","4"]]
[0.001,2,false,["1","2"]]
[500,3,true,[]]' 'trials'
    equal "$(jq -c 'select(.op_code == 4) | .user_attrs | [.seeds, (.keys | map(length)), (.code | unique | length)]' study | sort -u)" \
        '[[1,2],[32,32],1]' 'attributes'
    has study '"failure": "'
    # As a search has them that is named.
    run 0 hpx export --optuna - a.rcp:all axis.decay='0 0.001' -q
    empty err
    equal "$(jq -s length out)" 4 'lines'
    needs optuna
    read_study
    equal "$(grep '^\[' read | jq -r '.[0]' | tr '\n' ' ')" 'COMPLETE PRUNED FAIL ' 'states'
    equal "$(sed -n 's/^best //p' read | jq -c '.[0].decay')" 0 'the best trial'
}

test_is_deterministic_and_atomic() {
    recipe a.rcp 'epochs = 1' <<'X'
axis n1 = unordered 2 4
axis n2 = 2
search all
  method = grid
X
    complains 1 'no store' hpx export --optuna study a.rcp
    run 0 hpx build a.rcp
    complains 1 'no cell of its grid is stored' hpx export --optuna study a.rcp seeds=3
    [[ ! -e study ]] || fail 'a file is left of a study that was not written'
    run 0 hpx export --optuna study a.rcp
    equal "$(jq -c 'select(.op_code == 4) | .params.n1' study | tr '\n' ' ')" '0 1 ' 'choices'
    equal "$(jq -r 'select(.op_code == 4) | .distributions.n1' study | jq -c .attributes.choices | sort -u)" '[2,4]' 'choices'
    run 0 hpx export --optuna - a.rcp
    same_files study out
    echo old >study
    run 0 hpx export --optuna study a.rcp
    hpx export --optuna - a.rcp >out 2>/dev/null
    same_files study out
    hpx export --optuna /dev/stdout a.rcp 2>/dev/null | cat >out
    same_files study out
    complains 2 'recipe' hpx export --optuna study
    complains 2 'no other option' hpx export --optuna study --csv a.rcp
    complains 2 'no other option' hpx export --optuna study -o b a.rcp
}

run_tests "$@"
