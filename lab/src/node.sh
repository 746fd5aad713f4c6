# What makes a process tree a machine of its own. Runs as process 1 of a node, in new network,
# mount, host name and process namespaces; ends when it is killed, and everything in the node
# with it. Arguments: the node's directory, its name.
set -e
directory=$1
name=$2

echo "$name" >/proc/sys/kernel/hostname

# The node's own /etc over the machine's: dockerd writes there (/etc/docker/key.json), and must
# read neither the machine's daemon.json nor its name server. Look-ups fail at once, because
# swarm tries to pull before every task, and waiting for an answer costs 20 seconds each time.
mount -t tmpfs -o mode=755 windlass-lab "$directory/etc"
mkdir "$directory/etc/upper" "$directory/etc/work"
mount -t overlay windlass-lab /etc \
    -o "lowerdir=/etc,upperdir=$directory/etc/upper,workdir=$directory/etc/work"
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
mkdir -p /etc/docker
mount -t tmpfs -o mode=755 windlass-lab /etc/docker

# containerd puts the sockets of its shims into /run/containerd, whatever its directories are.
mount -t tmpfs -o mode=755 windlass-lab /run

# From here on the arguments say `ready`. Tell the one who started us, and let go of the pipe; if
# nobody reads it any more, nobody wants the node. Waiting reaps the orphans of the node, as any
# process 1 must.
exec sh -c 'echo ready || exit; exec >&2; sleep infinity & while :; do wait; done' \
    windlass-lab-node "$directory" ready
