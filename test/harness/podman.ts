/** Podman, the measured peer: how it is set up where nobody may raise limits, and there is neither systemd nor a journal. */
export const PODMAN_CONFIGURATION = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
network_backend = "netavark"
`;
