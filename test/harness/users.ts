/** Ordinary users of the box and the VM: each with a home that can hold an image store, and a manager when lingering. */
import { type ExecResult } from "../../src/base/exec.ts";
import { expectStatus, type Room, type RunOptions } from "./room.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  /** Runs a command as this user would from a shell, in a cgroup that is not the user's. */
  run(argv: readonly string[], options?: RunOptions): Promise<ExecResult>;
  wherry(words: readonly string[], options?: RunOptions): Promise<ExecResult>;
  /** As `wherry`; a status other than 0 is an error. Returns stdout. */
  ok(words: readonly string[], options?: RunOptions): Promise<string>;
  /** The user's own manager; returns stdout whatever the status. */
  systemctl(...words: readonly string[]): Promise<string>;
  /** Makes a file of this user. */
  write(path: string, text: string): Promise<void>;
}

export interface UserOptions {
  readonly lingers: boolean;
  /** The home is on an overlay, as the box's own root is, on which the kernel mounts no other one. */
  readonly overlaid?: boolean;
}

/** A user, made unless the VM has it. The box's own root is an overlay, on which no other one can be: the home is memory there. */
export async function newUser(room: Room, name: string, { lingers, overlaid = false }: UserOptions): Promise<User> {
  const make = `id ${name} >/dev/null 2>&1 || useradd -m ${name}; uid=$(id -u ${name})
if ${room.kind !== "vm" || overlaid}; then mount -t tmpfs -o mode=0700,uid=$uid,gid=$(id -g ${name}) tmpfs /home/${name}; fi
if ${overlaid}; then
  cd /home/${name}; mkdir lower upper work; chown ${name}: upper; chmod 0700 upper
  mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay /home/${name}; cd /
fi
if ${lingers}; then loginctl enable-linger ${name}; systemctl start user@$uid.service; fi; echo $uid`;
  const uid = Number(expectStatus(await room.run(["sh", "-euc", make]), 0, ["useradd", name]).stdout.trim());
  const words = ["setpriv", "--reuid", name, "--regid", name, "--init-groups", "--", "env", "-i", `HOME=/home/${name}`, `USER=${name}`, `XDG_RUNTIME_DIR=/run/user/${uid}`, "NO_COLOR=1", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "sh", "-c", 'cd && exec "$@"', "-"];
  const run: User["run"] = (argv, options) => room.run([...words, ...argv], options);
  const wherry: User["wherry"] = (argv, options) => run(["wherry", ...argv], options);
  return {
    name,
    uid,
    home: `/home/${name}`,
    run,
    wherry,
    ok: async (argv, options) => expectStatus(await wherry(argv, options), 0, ["wherry", ...argv]).stdout,
    systemctl: async (...argv) => (await run(["systemctl", "--user", "--no-pager", ...argv], { timeout: 60_000 })).stdout,
    write: async (path, text) => void expectStatus(await run(["sh", "-c", 'cat >"$1"', "-", path], { stdin: text }), 0, ["write", path]),
  };
}

/** Ends the user's manager and takes the mounts of the home away, which a room that stays would keep until its next boot. */
export async function sendHome(room: Room, { name, uid, home }: User): Promise<void> {
  const leave = `loginctl disable-linger ${name}; systemctl stop user@${uid}.service; while mountpoint -q ${home}; do umount ${home}; done`;
  expectStatus(await room.run(["sh", "-euc", leave], { timeout: 60_000 }), 0, ["umount", home]);
}

/** Ends everything of a user's wherry, the holder of the namespaces last. */
export async function takeUserDown(user: User): Promise<void> {
  await user.systemctl("stop", "wherry@*.service");
  await user.systemctl("reset-failed");
  await user.ok(["down", "--all", "--volumes"], { timeout: 60_000 });
  await user.systemctl("stop", "wherry-namespaces-*.scope");
}
