/** What is said between a process and its network thread (`networkThread.ts`). Both ends are this program. */
import { WherryError, type ErrorKind, messageOf } from "../base/errors.ts";
import type { Attachment, NamespaceFiles } from "../network/network.ts";
import type { PrivateNetworkOptions } from "../network/rootless.ts";
import type { UserNamespaceRequest } from "../network/userNamespace.ts";
import type { HttpGetAction, Probe } from "../spec/spec.ts";
import type { BridgeRequest } from "./pod.ts";
import type { ProbeResult } from "./prober.ts";

/** What the thread does, by name: what it is given and what it answers. */
export interface NetworkCalls {
  readonly attach: { readonly given: Attachment; readonly answer: { readonly mac: string } };
  readonly detach: { readonly given: Attachment; readonly answer: void };
  readonly makeNamespaces: { readonly given: { readonly files: NamespaceFiles; readonly hostname: string }; readonly answer: void };
  readonly makeUserNamespaces: { readonly given: UserNamespaceRequest; readonly answer: void };
  readonly probe: { readonly given: { readonly probe: Probe } & Where; readonly answer: ProbeResult };
  readonly hook: { readonly given: { readonly action: HttpGetAction } & Where; readonly answer: void };
}
type Where = Omit<BridgeRequest, "signal">;
export type NetworkCallName = keyof NetworkCalls;

/** What the thread is given first. */
export interface NetworkThreadSetup {
  /** File that pins the network namespace of all the user's bridges. */
  readonly netns: string;
  readonly network: PrivateNetworkOptions;
  /** For the sockets of `throughUnix`. */
  readonly waysDirectory: string;
}

/** A call of any name. */
export type AnyCall = { readonly [Name in NetworkCallName]: { readonly name: Name; readonly given: NetworkCalls[Name]["given"] } }[NetworkCallName];

export type ToThread =
  | { readonly is: "setup"; readonly setup: NetworkThreadSetup }
  | { readonly is: "call"; readonly id: number; readonly call: AnyCall }
  | { readonly is: "abort"; readonly id: number };

export type FromThread =
  | { readonly is: "answer"; readonly id: number; readonly value: unknown }
  | { readonly is: "error"; readonly id: number; readonly error: CarriedError }
  | { readonly is: "lost"; readonly error: CarriedError };

/** An error as it crosses from one thread to another; without `kind` it is a plain `Error`. */
export interface CarriedError {
  readonly kind?: ErrorKind;
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  /** What of the context is text, numbers and lists of them. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** The error without what a message cannot carry: causes, and contexts that hold more than values. */
export function carried(thrown: unknown): CarriedError {
  if (!(thrown instanceof WherryError)) return { message: messageOf(thrown) };
  const { kind, code, message, hint, context } = thrown;
  const values: Readonly<Record<string, unknown>> = JSON.parse(JSON.stringify(context));
  return { kind, code, message, context: values, ...(hint === undefined ? {} : { hint }) };
}

/** The error as it was before it was carried. */
export function uncarried({ kind, message, ...rest }: CarriedError): Error {
  return kind === undefined ? new Error(message) : new WherryError(kind, message, rest);
}
