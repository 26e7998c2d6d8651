/** Ports that ordinary users may not listen on (ip(7)). */
import { readIfExists } from "../base/files.ts";

const SYSCTL = "net.ipv4.ip_unprivileged_port_start";

/** The first port that an ordinary user may have here; 0: all. */
export const firstFreePort = (): number => Number(readIfExists(`/proc/sys/${SYSCTL.replaceAll(".", "/")}`) ?? 1024);

/** The command that lets ordinary users have a port, and those above it, until the next boot. */
export const freePortCommand = (port: number): string => `sudo sysctl -w ${SYSCTL}=${port}`;
