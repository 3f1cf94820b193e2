#!/bin/sh
# The first process in the virtual machine of run.sh: RCQ_VM_DIR holds the command and gets what came of it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 none /sys/fs/cgroup
echo '+cpu +memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /dev/shm
mount -t tmpfs none /dev/shm
TMPDIR=/dev/shm HOME=/root bash "$RCQ_VM_DIR/command" </dev/null >"$RCQ_VM_DIR/output" 2>&1
echo $? >"$RCQ_VM_DIR/exit-code"
poweroff -f
