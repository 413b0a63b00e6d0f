# Users with keys of their own, and a build whose results they share.

as() { # USER COMMAND...: with the keys and the configuration of a user
    XDG_CONFIG_HOME=$PWD/config-$1 "${@:2}"
}

new_key() { # USER...: each gets a key, ./USER.key
    local user
    for user; do
        as "$user" hpx key new -q >"$user.key" || fail "no key for $user"
    done
}

trust() { # USER OTHER
    run 0 as "$1" hpx key trust "$2" "$(cat "$2.key")"
}

grid_of_four() { # FILE SETTING...
    recipe "$@" <<'R'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
R
}

# Alice, whom Bob trusts, has pushed the four trials of a.rcp to a shared store.
team_at() { # PLACE WORD...: of the recipe
    grid_of_four a.rcp 'epochs = 2'
    new_key alice
    trust bob alice
    run 0 as alice hpx build a.rcp "${@:2}" --store alice --remote "$1" --push
    has err '4 trials were put into the shared store'
}
