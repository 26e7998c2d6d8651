/** How long systemd waits for a user's manager, and with it for all services of the user, at a shutdown or the last logout. */
import { exec } from "../base/exec.ts";
import { isSystemdRunning } from "./host.ts";
import { systemctlArgv } from "./units.ts";

/** Seconds, `Infinity` when it waits for ever; undefined when it cannot be told. `TimeoutStopSec=` of user@.service. */
export async function managerStopTimeout(uid: number): Promise<number | undefined> {
  if (!isSystemdRunning()) return undefined;
  const argv = systemctlArgv(["show", "--property=TimeoutStopUSec", `user@${uid}.service`], { user: false });
  const { status, stdout } = await exec(argv, { timeout: 5_000, allowFailure: true }).catch(() => ({ status: -1, stdout: "" }));
  return status === 0 ? seconds(/^TimeoutStopUSec=(.*)$/m.exec(stdout)?.[1] ?? "") : undefined;
}

const UNITS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400, w: 604_800, month: 2_629_800, y: 31_557_600 };

/** A time span as systemd prints it (systemd.time(7)): `1min 30s`, `infinity`; undefined for anything else. */
export function seconds(span: string): number | undefined {
  if (span === "infinity") return Infinity;
  if (span === "0") return 0;
  const parts = span.split(" ").map((part) => /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(part)).map((match) => Number(match?.[1]) * (UNITS[match?.[2] ?? ""] ?? NaN));
  const sum = parts.reduce((all, each) => all + each, 0);
  return Number.isNaN(sum) ? undefined : sum;
}
