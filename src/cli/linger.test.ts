import { describe, expect, test } from "bun:test";
import { fail, messageOf } from "../base/errors.ts";
import { offerLingering, type Lingering } from "./linger.ts";
import { stdinOf } from "./testing.ts";

interface Case {
  readonly flags?: readonly string[];
  /** What the user types; a terminal when given. */
  readonly typed?: string;
  readonly lingers?: boolean;
  readonly permitted?: boolean;
}

/** What was said, whether the user lingers now, and what was thrown. */
async function offered({ flags = [], typed, lingers = false, permitted = true }: Case): Promise<{ readonly said: string; readonly lingers: boolean; readonly thrown: string }> {
  const result = { said: "", lingers, thrown: "" };
  const lingering: Lingering = {
    isLingering: () => lingers,
    letLinger: async () => {
      if (!permitted) fail("unavailable", 'Cannot let user "alice" linger: Access denied', { hint: "sudo loginctl enable-linger alice" });
      result.lingers = true;
    },
  };
  const stderr = { isTerminal: typed !== undefined, write: async (text: string | Uint8Array) => ((result.said += String(text)), true) };
  await offerLingering({ stdin: stdinOf(typed ?? "", typed !== undefined), stderr }, { flag: (long) => flags.includes(long) }, { name: "alice", lingering }).catch((thrown: unknown) => (result.thrown = messageOf(thrown)));
  return result;
}

const MEANING = 'User "alice" does not linger: the service ends when the last session does, and does not start at boot\n';
const COMMAND = "To change that: sudo loginctl enable-linger alice\n";

describe("offerLingering()", () => {
  const rows: readonly (readonly [string, Case, { readonly said: string; readonly lingers: boolean; readonly thrown?: string }])[] = [
    ["says nothing to who lingers", { lingers: true, flags: ["linger"] }, { said: "", lingers: true }],
    ["does it for --linger, without asking", { flags: ["linger"], typed: "n\n" }, { said: "", lingers: true }],
    ["does not go on when --linger is not permitted", { flags: ["linger"], permitted: false }, { said: "", lingers: false, thrown: 'Cannot let user "alice" linger: Access denied' }],
    ["says what it means and how to change it for --no-linger, without asking", { flags: ["no-linger"], typed: "y\n" }, { said: MEANING + COMMAND, lingers: false }],
    ["does the same where nobody can be asked", {}, { said: MEANING + COMMAND, lingers: false }],
    ["asks on a terminal and takes yes", { typed: "y\n" }, { said: `${MEANING}Let user "alice" linger? [y/N] `, lingers: true }],
    ["asks on a terminal and takes no", { typed: "\n" }, { said: `${MEANING}Let user "alice" linger? [y/N] ${COMMAND}`, lingers: false }],
    ["goes on with the command for root when what was answered is not permitted", { typed: "yes\n", permitted: false }, { said: `${MEANING}Let user "alice" linger? [y/N] Cannot let user "alice" linger: Access denied\n${COMMAND}`, lingers: false }],
    ["ends with the answer missing", { typed: "" }, { said: `${MEANING}Let user "alice" linger? [y/N] \n`, lingers: false, thrown: "Cannot go on without an answer: the standard input has ended, it should say y, or --linger or --no-linger should be given" }],
  ];
  for (const [title, given, expected] of rows) test(title, async () => expect(await offered(given)).toEqual({ thrown: "", ...expected }));
});
