/** The content of a volume as a tar archive: owners by number, modes, times and extended attributes. */
import { fail } from "../base/errors.ts";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { LONG } from "./layout.ts";

const CREATE = ["bsdtar", "-c", "--format", "pax", "--numeric-owner", "--no-fflags"] as const;
const EXTRACT = ["bsdtar", "-x", "-p", "--numeric-owner", "--xattrs", "--no-fflags"] as const;

/** Writes a tar archive of a volume into a file. */
export async function exportVolume(directory: string, file: string): Promise<void> {
  await exec([...CREATE, "-f", file, "-C", directory, "."], { timeout: LONG });
}

/** A tar archive of a volume, as it is made. */
export async function* archiveOf(directory: string): AsyncGenerator<Uint8Array> {
  const child = Bun.spawn([...CREATE, "-f", "-", "-C", directory, "."], { env: { ...CLEAN_ENV }, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: LONG, killSignal: "SIGKILL" });
  const said = new Response(child.stderr).text();
  try {
    yield* child.stdout;
    const status = await child.exited;
    if (status !== 0) fail("failed", `Cannot export "${directory}": bsdtar ended with ${status}: ${(await said).trim()}`);
  } finally {
    child.kill("SIGKILL"); // the reader has gone
  }
}

/**
 * Unpacks an archive (any that bsdtar reads) into a volume. What it holds replaces what has the same name; the rest
 * stays. Nothing is written outside the volume: bsdtar refuses `..` and links that lead out. Repeatable.
 */
export async function importVolume(directory: string, file: string): Promise<void> {
  await exec([...EXTRACT, "-f", file, "-C", directory], { timeout: LONG });
}

/** Name of our own standard input for a program that we start, which gets none from us. */
export const ownStdin = (): string => `/proc/${process.pid}/fd/0`;
