# A terminal for command tests: tmux, which shows what people would see, and breaks lines as it becomes narrower. A script
# sources this file behind common.sh.

# Starts a command on a terminal of this size; it ends with the test, or with leave_screen.
on_screen() { # COLUMNS ROWS COMMAND
    tmux_socket=hpx-test-$BASHPID-$SECONDS-$RANDOM
    export TERM=xterm-256color
    tmux -L "$tmux_socket" -f /dev/null new-session -d -x "$1" -y "$2" "$3"
    trap leave_screen EXIT
}

leave_screen() {
    tmux -L "$tmux_socket" kill-server 2>/dev/null
}

needs_terminal() {
    command -v tmux >/dev/null && return
    echo '  skipped: needs tmux'
    exit 0
}

screen() { # [OPTION]: writes what is seen to ./seen
    tmux -L "$tmux_socket" capture-pane -p "$@" -t 0 >seen
}

seen() { # TEXT: whether it is on the screen now
    screen && grep -qF -- "$1" seen
}

gone() { # TEXT
    screen && ! grep -qF -- "$1" seen
}

times_seen() { # TEXT: on how many lines
    screen
    grep -cF -- "$1" seen
}

type_keys() { # KEY...
    tmux -L "$tmux_socket" send-keys -t 0 "$@"
}

resize() { # COLUMNS
    tmux -L "$tmux_socket" resize-window -x "$1"
}
