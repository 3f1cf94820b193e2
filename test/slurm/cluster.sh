#!/bin/bash
# A private Slurm cluster on the loopback interface, for tests: munged, slurmctld and NODES slurmd of one host, with all
# state below DIR. Runs as any user; only jobs of that user run.
#
#   cluster.sh up DIR [NODES] [CPUS]     ends when all nodes are idle
#   cluster.sh ctld DIR                  starts slurmctld again
#   cluster.sh slurmd DIR NODE           starts slurmd of a node (n1, n2, ...) again
#   cluster.sh down DIR                  ends everything that belongs to it, jobs included
#
# The ports are CTPORT (16817) and, for the slurmd of node i, BASE + i (17000).
set -eu

verb=${1:?up, ctld, slurmd or down} dir=${2:?directory}
export SLURM_CONF=$dir/slurm.conf
port=${CTPORT:-16817} base=${BASE:-17000}

write_configuration() { # NODES CPUS
    local host user
    host=$(hostname -s) user=$(id -un)
    cat <<CONF
ClusterName=rcqtest
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$port
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$dir/munge/sock
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdSpoolDir=$dir/spool/%n
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmdLogFile=$dir/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=64
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
PriorityType=priority/basic
PropagateResourceLimits=NONE
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=${MIN_JOB_AGE:-300}
MessageTimeout=5
KillWait=${KILL_WAIT:-30}
SlurmdTimeout=${SLURMD_TIMEOUT:-300}
InactiveLimit=0
Waittime=0
FirstJobId=1
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=5
CONF
    for i in $(seq 1 "$1"); do
        echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + i)) CPUs=$2 RealMemory=4096 State=UNKNOWN"
    done
    echo "PartitionName=main Nodes=n[1-$1] Default=YES MaxTime=${MAX_TIME:-INFINITE} State=UP OverSubscribe=NO"
}

up() { # NODES CPUS
    mkdir -p "$dir"/{state,log,spool,munge}
    chmod 755 "$dir"
    chmod 711 "$dir/munge"
    head -c 128 /dev/urandom >"$dir/munge/key"
    chmod 400 "$dir/munge/key"
    write_configuration "$1" "$2" >"$SLURM_CONF"
    munged --key-file="$dir/munge/key" --socket="$dir/munge/sock" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
    slurmctld -f "$SLURM_CONF"
    for i in $(seq 1 "$1"); do slurmd -f "$SLURM_CONF" -N "n$i"; done
    for _ in $(seq 1 200); do
        [ "$(timeout 20 sinfo -h -o %T 2>"$dir/log/sinfo" | sort -u)" = idle ] && return
        sleep 0.1
    done
    echo "the nodes are not idle after 20 s:" >&2
    cat "$dir/log/sinfo" >&2
    sinfo >&2
    return 1
}

ancestors() {
    local pid=$$
    while [ "$pid" -gt 1 ]; do
        echo "$pid"
        pid=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")
    done
}

# Daemons, steps and supervisors have the configuration in their environment, jobs their run directory, which the tests
# put below DIR.
down() {
    local pid pids own
    own=$(ancestors)
    for _ in $(seq 1 50); do
        pids=
        for pid in /proc/[0-9]*; do
            pid=${pid#/proc/}
            grep -qx "$pid" <<<"$own" && continue
            if grep -qzF "=$dir/" "/proc/$pid/environ" 2>/dev/null; then pids="$pids $pid"; fi
        done
        [ -n "$pids" ] || return 0
        # shellcheck disable=SC2086
        kill -9 $pids 2>/dev/null || true
        sleep 0.1
    done
    echo "still there:$pids" >&2
    return 1
}

case $verb in
up) up "${3:-2}" "${4:-4}" ;;
ctld) slurmctld -f "$SLURM_CONF" ;;
slurmd) slurmd -f "$SLURM_CONF" -N "${3:?node}" ;;
down) down ;;
*)
    echo "cluster.sh: up, ctld, slurmd or down, not \"$verb\"" >&2
    exit 1
    ;;
esac
