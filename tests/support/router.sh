#!/bin/sh
# What the router of tests/support/router.py does: passes on whatever comes in at one side to the other, and
# carries out lines of shell, each answered with what it printed and `== <exit code>`.
mount -t proc proc /proc
modules="/usr/lib/uml/modules/$(uname -r)/kernel/net/sched"
for module in sch_netem sch_ingress cls_matchall act_mirred; do
  insmod "$modules/$module.ko"
done
pass() {
  ip link set "$1" promisc on up
  tc qdisc add dev "$1" ingress
  tc filter add dev "$1" ingress matchall action mirred egress redirect dev "$2"
}
stty -echo
pass vec0 vec1
pass vec1 vec0
echo "== $?"
while read -r line && [ "$line" != exit ]; do
  eval "$line" 2>&1
  echo "== $?"
done
# Powers off; an init that ends would be a panic.
echo o >/proc/sysrq-trigger
sleep 60
