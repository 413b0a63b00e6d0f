# A Slurm of the tests' own on this machine: two nodes of one processor each, n1 and n2. It needs root, and slurmctld, slurmd,
# slurm-client and munge. slurm_start FOLDER sets SLURM_CONF; slurm_stop ends all that it has started.

slurm_needs() { # what is missing, or nothing
    local tool
    for tool in slurmctld slurmd sbatch munged; do
        PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || echo "$tool"
    done
    [[ $(id -u) -eq 0 ]] || echo 'root'
}

slurm_start() { # FOLDER
    slurm=$1
    slurm_pids=()
    local host port=$((20000 + RANDOM % 10000))
    host=$(hostname -s)
    mkdir -p "$slurm/state" "$slurm/spool.n1" "$slurm/spool.n2" "$slurm/munge"
    cat >"$slurm/slurm.conf" <<CONF
ClusterName=hpx
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$slurm/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
ReturnToService=2
KillWait=5
SlurmctldPort=$port
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool.%n
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.%n.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.%n.log
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$slurm/slurm.conf PATH=$PATH:/usr/sbin
    head -c 1024 /dev/urandom >"$slurm/munge/key"
    chmod 0400 "$slurm/munge/key"
    chmod 0755 "$slurm" "$slurm/munge"
    munged --foreground --force --key-file="$slurm/munge/key" --socket="$slurm/munge/socket" --pid-file="$slurm/munge/pid" \
        --log-file="$slurm/munge/log" --seed-file="$slurm/munge/seed" </dev/null >"$slurm/munge/out" 2>&1 &
    slurm_pids+=($!)
    wait_until 10 test -S "$slurm/munge/socket"
    slurm_control
    slurm_node n1
    slurm_node n2
    wait_until 30 slurm_is_up
}

slurm_control() { # starts slurmctld
    slurmctld -D </dev/null >"$slurm/ctld.out" 2>&1 &
    slurm_pids+=($!)
    slurm_control_pid=$!
}

slurm_control_again() { # as when its machine is started again
    kill "$slurm_control_pid"
    wait_until 30 eval '! kill -0 "$slurm_control_pid" 2>/dev/null'
    slurm_control
    wait_until 30 squeue -h >/dev/null 2>&1
}

slurm_node() { # NAME: starts its slurmd
    SLURMD_NODENAME=$1 slurmd -D -N "$1" </dev/null >"$slurm/slurmd.$1.out" 2>&1 &
    slurm_pids+=($!)
}

slurm_processes() { # [NODE]: all of this Slurm, or of one of its nodes, its slurmd too. slurmstepd hides its environment
    local pid
    for pid in $(pgrep -x slurmstepd); do
        readlink /proc/"$pid"/fd/* 2>/dev/null | grep -qF "$slurm/slurmd.${1-}" && echo "$pid"
    done
    grep -lazFx "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null |
        xargs -r grep -lazFx "${1:+SLURMD_NODENAME=}${1:-SLURM_CONF=$SLURM_CONF}" 2>/dev/null | cut -d/ -f3
}

slurm_is_up() {
    [[ $(sinfo -h -t idle -o %D 2>/dev/null) == 2 ]]
}

wait_until() { # SECONDS COMMAND...
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.1
    done
}

slurm_stop() {
    scancel --quiet --user "$(id -un)" 2>/dev/null
    local pid
    for pid in "${slurm_pids[@]}" $(slurm_processes); do
        kill -9 "$pid" 2>/dev/null
    done
    wait 2>/dev/null
}
