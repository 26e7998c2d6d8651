/**
 * The neighbour of a user's room, a process in a network namespace of its own: says to everybody who comes, over TCP
 * and UDP, from where they come, as a name server too; and goes where it is told, as a client of the room's host would.
 */
import { existsSync } from "node:fs";
import { createServer } from "node:net";

/** Where it greets (TCP, UDP), and where it is told to go (TCP). */
export const GREETING_PORT = 7000, ERRAND_PORT = 7001;

export interface Errand {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** Goes there and resolves with what is said, over TCP without saying anything first; after a second, with why not. */
export async function goOn({ protocol, host, port }: Errand): Promise<string> {
  const said = Promise.withResolvers<string>();
  const late = setTimeout(() => said.resolve("nothing"), 2000);
  const refuse = (thrown: unknown): void => said.resolve(thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown));
  if (protocol === "tcp") Bun.connect({ hostname: host, port, socket: { data: (_, data) => said.resolve(data.toString()), close: () => said.resolve("closed") } }).catch(refuse);
  else (await Bun.udpSocket({ connect: { hostname: host, port }, socket: { data: (_, data) => said.resolve(data.toString()), error: (_, thrown) => refuse(thrown) } })).send("hello");
  return await said.promise.finally(() => clearTimeout(late));
}

/** Has the neighbour go on an errand. */
export async function sendNeighbour(neighbour: string, errand: Errand): Promise<string> {
  const said = Promise.withResolvers<string>();
  const socket = await Bun.connect({ hostname: neighbour, port: ERRAND_PORT, socket: { data: (_, data) => said.resolve(data.toString()), close: () => said.resolve("closed") } });
  socket.write(JSON.stringify(errand));
  return await said.promise.finally(() => socket.end());
}

/** Greets at a port of all addresses; over IPv6 where there is any, and over TCP only. */
export async function greet(port: number): Promise<void> {
  Bun.listen({ hostname: "0.0.0.0", port, socket: { open: (each) => void each.end(`you are ${each.remoteAddress}`), data: () => undefined } });
  if (existsSync("/proc/net/if_inet6")) createServer((each) => each.end(`you are ${each.remoteAddress}`)).listen({ host: "::", port, ipv6Only: true });
  await Bun.udpSocket({ port, socket: { data: (each, _, from, address) => void each.send(`you are ${address}`, from, address) } });
}

async function live(ports: readonly number[]): Promise<void> {
  for (const port of ports) await greet(port);
  if (!ports.includes(GREETING_PORT)) return;
  const errands = async (socket: Bun.Socket, data: Buffer): Promise<void> => void socket.write(await goOn(JSON.parse(data.toString())));
  Bun.listen({ hostname: "0.0.0.0", port: ERRAND_PORT, socket: { data: (socket, data) => void errands(socket, data) } });
}

if (import.meta.main) await live(process.argv.slice(2).map(Number)).then(() => console.log("up"));
