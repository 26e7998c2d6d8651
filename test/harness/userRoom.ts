/**
 * The room of an ordinary user: namespaces as `rootless/` makes them, around a command. The "host" that it has is a
 * network namespace with the addresses 192.0.2.1 and 2001:db8::1, and a neighbour, 192.0.2.9 and 2001:db8::9, in a
 * namespace of its own; so what the user
 * opens to the world meets nobody. Nothing of it is left when the command has ended. Needs root.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { GREETING_PORT } from "./neighbour.ts";
import { CLEAN_ENV, type ExecResult } from "../../src/base/exec.ts";

/** Of nobody: no entry in /etc/passwd is needed, since root itself maps the ids. */
const USER = 64_711, SUBORDINATE = { first: 6_471_100, count: 65_535 } as const;

export const HOST_ADDRESS = "192.0.2.1", NEIGHBOUR_ADDRESS = "192.0.2.9";
export const HOST_ADDRESS6 = "2001:db8::1", NEIGHBOUR_ADDRESS6 = "2001:db8::9";

export interface UserRoom extends Disposable {
  /** A directory on tmpfs, the user's own, inside the room only. */
  readonly runtime: string;
  /** Runs a command as root of the user's namespaces, in the host's network namespace. */
  readonly run: (argv: readonly string[], options: { readonly env?: Readonly<Record<string, string>>; readonly timeout: number }) => Promise<ExecResult>;
}

/** Why there can be no such room here; undefined when there can. */
export function lacksForUserRoom(): string | undefined {
  if (process.getuid?.() !== 0) return "root is needed";
  const missing = ["pasta", "unshare", "nsenter", "setpriv", "ip"].find((program) => Bun.which(program, { PATH: CLEAN_ENV["PATH"] ?? "" }) === null);
  if (missing !== undefined) return `${missing} is not installed`;
  return existsSync("/dev/net/tun") ? undefined : "/dev/net/tun is missing";
}

/** As root: the host. `$1` is the room's directory, the rest the command. */
const HOST = `
room=$1; shift
mount -t tmpfs -o mode=0755 tmpfs "$room"
mknod -m 0666 "$room/tun" c 10 200
mount --bind "$room/tun" /dev/net/tun
echo "nameserver ${NEIGHBOUR_ADDRESS}" >"$room/resolv.conf"
mount --bind "$room/resolv.conf" /etc/resolv.conf
install -d -o ${USER} -g ${USER} -m 0700 "$room/user" "$room/user/wherry" "$room/user/wherry/rootless"
ip link set lo up
: >"$room/neighbour"
unshare --net="$room/neighbour" true
ip link add host0 type veth peer name neighbour0
ip link set neighbour0 netns "$room/neighbour"
ip address add ${HOST_ADDRESS}/24 dev host0
ip link set host0 up
ip route add default via ${NEIGHBOUR_ADDRESS}
if [ -e /proc/net/if_inet6 ]; then
  ip address add ${HOST_ADDRESS6}/64 dev host0 nodad
  ip route add default via ${NEIGHBOUR_ADDRESS6}
  nsenter --net="$room/neighbour" ip address add ${NEIGHBOUR_ADDRESS6}/64 dev neighbour0 nodad
fi
nsenter --net="$room/neighbour" sh -euc 'ip link set lo up; ip address add ${NEIGHBOUR_ADDRESS}/24 dev neighbour0; ip link set neighbour0 up'
nsenter --net="$room/neighbour" "$BUN" "$NEIGHBOUR" ${GREETING_PORT} 53 </dev/null >"$room/neighbour.log" 2>&1 &
until grep -q up "$room/neighbour.log" 2>/dev/null; do sleep 0.02; done
mkfifo "$room/mapped"; chmod 0666 "$room/mapped"
(until [ -s "$room/user/pid" ]; do sleep 0.01; done
pid=$(cat "$room/user/pid")
echo "0 ${USER} 1
1 ${SUBORDINATE.first} ${SUBORDINATE.count}" >"$room/map"
cat "$room/map" >"/proc/$pid/uid_map"
cat "$room/map" >"/proc/$pid/gid_map"
echo mapped >"$room/mapped") &
setpriv --reuid ${USER} --regid ${USER} --clear-groups -- unshare --user --mount --propagation slave -- sh -euc "$USER_SCRIPT" user "$room" "$@"
`;

/** As the user: waits for its ids, and becomes root inside by the next exec. */
const ENTER = 'room=$1; shift; echo $$ >"$room/user/pid.new"; mv "$room/user/pid.new" "$room/user/pid"; read -r mapped <"$room/mapped"; exec "$@"';

/** A room with nothing in it yet; each `run` is one of its own. */
export function userRoom(): UserRoom {
  const room = mkdtempSync(`${tmpdir()}/wherry-user-`);
  return {
    runtime: `${room}/user/wherry`,
    run: async (argv, { env = {}, timeout }) => {
      const wrap = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--net", "--propagation", "private", "--", "sh", "-euc", HOST, "host", room, ...argv];
      const child = Bun.spawn(wrap, { env: { ...CLEAN_ENV, HOME: `${room}/user`, USER_SCRIPT: ENTER, BUN: process.execPath, NEIGHBOUR: `${import.meta.dir}/neighbour.ts`, ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout, killSignal: "SIGKILL" });
      const [stdout, stderr, status] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
      return { status, stdout, stderr };
    },
    [Symbol.dispose]: () => rmSync(room, { recursive: true, force: true }),
  };
}
