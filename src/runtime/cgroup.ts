/**
 * cgroups (`cgroups(7)`; kernel `cgroup-v2.rst`): where this process is, which controllers exist, and moving.
 * The layout of a service below its base (the unit's delegated cgroup, or `/wherry/<service>` by hand):
 * `<base>/wherry` holds play, the supervisor and every conmon; `<base>/<pod uid>/<container id>` holds a container.
 * `<base>` itself never holds a process, so that on v2 its controllers can be handed down.
 */
export interface CgroupHost {
  /** `v2`: one tree. `v1`: one tree per controller (also the hybrid layout). */
  readonly version: "v1" | "v2";
  /** Controllers that can be used, e.g. `["cpu","memory","pids"]`. On v2: those of the root's `cgroup.controllers`. */
  readonly controllers: readonly string[];
}
