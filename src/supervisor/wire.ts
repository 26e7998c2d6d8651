/** Lines of JSON over a stream, and the parse functions of what comes in. */
import { fail } from "../base/errors.ts";
import { POD_VERBS, type Message, type Request } from "./protocol.ts";

export const encode = (value: Request | Message): string => `${JSON.stringify(value)}\n`;

const OPERATIONS = ["apply", "follow", "condition", "pods", "down"];

/** A request as a client of this very program wrote it; the socket admits only the same user. */
export function parseRequest(line: string): Request {
  const value = parseObject(line);
  if (!OPERATIONS.includes(String(value["op"]))) fail("invalid", `Cannot read a request: unknown operation "${String(value["op"])}"`);
  if (value["op"] === "pods" && !POD_VERBS.some((verb) => verb === value["verb"])) fail("invalid", `Cannot read a request: unknown verb "${String(value["verb"])}"`);
  return value as unknown as Request; // parse function: both ends are this program, the operation has been checked
}

export function parseMessage(line: string): Message {
  const value = parseObject(line);
  if (!["heard", "progress", "waiting", "done", "error"].includes(String(value["type"]))) fail("failed", `Cannot read from the supervisor: unknown message "${line.slice(0, 80)}"`);
  return value as unknown as Message; // parse function: both ends are this program, the type has been checked
}

function parseObject(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) fail("invalid", `Cannot read "${line.slice(0, 80)}": it must be a JSON object`);
  return Object.fromEntries(Object.entries(value));
}
