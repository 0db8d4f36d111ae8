#!/usr/bin/env bash
# A real Slurm on this machine alone, for the tests of job arrays.
#   one_node.sh start DIR   starts munged, slurmctld and slurmd with all their files in DIR, and prints the
#                           path of the configuration; installs Debian's packages first where they are missing
#   one_node.sh stop DIR    ends the daemons that `start` began
# As root, on Debian or the like. Ends with 3 and a reason where that is not so.
set -euo pipefail
verb=${1:?start or stop} dir=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)

unable() { echo "$1" >&2; exit 3; }

install_slurm() {
  command -v apt-get >/dev/null || unable "no Slurm here, and no apt-get to install it"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q slurm-wlm munge; } \
    >"$dir/install.log" 2>&1 || unable "Slurm cannot be installed: $(tail -n 1 "$dir/install.log")"
}

start_munge() {
  munge -n >/dev/null 2>&1 && return
  mkdir -p /run/munge && chown munge: /run/munge
  su -s /bin/sh munge -c "/usr/sbin/munged --pid-file=/run/munge/one-node.pid"
  cp /run/munge/one-node.pid "$dir/munged.pid" 2>/dev/null || true
  for _ in $(seq 50); do munge -n >/dev/null 2>&1 && return; sleep 0.2; done
  unable "munged does not answer"
}

case $verb in
start)
  [ "$(id -u)" -eq 0 ] || unable "a Slurm of one's own needs root"
  command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || install_slurm
  mkdir -p "$dir/state" "$dir/spool"
  start_munge
  port=$((20000 + $$ % 20000))
  # credentials that expire at once: else a job that requeues waits two minutes before it starts again
  cat >"$dir/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=localhost
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobRequeue=1
KillWait=5
MpiDefault=none
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=localhost CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -f "$SLURM_CONF" >"$dir/start.log" 2>&1 || unable "slurmctld: $(tail -n 1 "$dir/start.log")"
  slurmd -f "$SLURM_CONF" -N localhost >"$dir/start.log" 2>&1 || unable "slurmd: $(tail -n 1 "$dir/start.log")"
  for _ in $(seq 100); do
    if sinfo -h -o %t 2>/dev/null | grep -q idle; then echo "$SLURM_CONF"; exit 0; fi
    sleep 0.2
  done
  unable "the node does not come up: $(tail -n 2 "$dir"/slurm*.log)"
  ;;
stop)
  for daemon in slurmd slurmctld munged; do
    if [ -s "$dir/$daemon.pid" ]; then kill "$(cat "$dir/$daemon.pid")" 2>/dev/null || true; fi
  done
  ;;
*) unable "start or stop" ;;
esac
