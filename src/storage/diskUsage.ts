/** What directories take on the disk. */
import { exec } from "../base/exec.ts";
import { LONG, namesIn } from "./layout.ts";

/** Bytes on the disk of everything in a directory, by name; a file with several links counts once. Names have no newlines. */
export async function diskUsage(directory: string): Promise<ReadonlyMap<string, number>> {
  const names = namesIn(directory);
  if (names.length === 0) return new Map();
  const argv = ["du", "--summarize", "--block-size=1", "--files0-from=-"];
  // What has been removed since the names were read is a failure of du's, and of no matter
  const { stdout } = await exec(argv, { cwd: directory, stdin: names.map((name) => `./${name}\0`).join(""), timeout: LONG, allowFailure: true });
  const lines = stdout.split("\n").map((line) => line.split("\t./"));
  return new Map(lines.flatMap(([bytes = "", name]) => (name === undefined ? [] : [[name, Number(bytes)]])));
}
