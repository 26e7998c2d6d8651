/** Processes of wherry inside a room, for the tests that kill them. */
import { expectStatus, type Room } from "./room.ts";

interface Process {
  readonly pid: number;
  readonly program: string;
  readonly command: string;
}

export async function processes(room: Room): Promise<readonly Process[]> {
  const { stdout } = expectStatus(await room.run(["ps", "-e", "-ww", "-o", "pid=,comm=,args="]), 0, ["ps"]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, program, command] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || program === undefined || command === undefined ? [] : [{ pid: Number(pid), program, command }];
  });
}

/** pids of every supervisor, or of one service's. */
export async function supervisors(room: Room, service = ""): Promise<readonly number[]> {
  const pattern = new RegExp(`\\bwherry supervise\\b.*\\b${service}`);
  return (await processes(room)).filter(({ program, command }) => program !== "conmon" && pattern.test(command)).map(({ pid }) => pid);
}

/** pid of the supervisor of a service, which runs. */
export async function supervisor(room: Room, service: string): Promise<number> {
  const [pid] = await supervisors(room, service);
  if (pid === undefined) throw new Error(`The supervisor of "${service}" is not running`);
  return pid;
}

/** pids of every conmon. */
export async function monitors(room: Room): Promise<readonly number[]> {
  return (await processes(room)).filter(({ program }) => program === "conmon").map(({ pid }) => pid);
}

/** Sends a signal; who is gone already is success. */
export async function signal(room: Room, name: "KILL" | "STOP" | "CONT", pids: readonly number[]): Promise<void> {
  if (pids.length > 0) await room.run(["sh", "-c", 'kill "$@" 2>/dev/null || :', "-", `-${name}`, ...pids.map(String)]);
}

export const kill = (room: Room, ...pids: readonly number[]): Promise<void> => signal(room, "KILL", pids);
