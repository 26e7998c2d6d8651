/** The one place that prints what commands return. */
import type { Column, Listing, Outcome } from "./command.ts";
import type { Context, Writer } from "./context.ts";
import { printable } from "./failure.ts";

/** `""` is the table. */
export type Format = string;

/** Prints an outcome in the format asked for; returns when all is written or the reader has gone. */
export async function print(context: Context, outcome: Outcome, format: Format): Promise<void> {
  switch (outcome.kind) {
    case "none":
      return;
    case "text":
      await context.stdout.write(outcome.text === "" || outcome.text.endsWith("\n") ? outcome.text : `${outcome.text}\n`);
      return;
    case "value":
      await context.stdout.write(await structured(outcome.value, format === "yaml" ? "yaml" : "json"));
      return;
    case "listing":
      return printListings(context, outcome.listings, format);
    case "watch":
      return outcome.redraw && context.stdout.isTerminal && isTable(format) ? redraw(context, outcome.frames, format) : append(context, outcome, format);
    case "stream":
      for await (const chunk of outcome.chunks) if (!(await context.stdout.write(chunk))) return;
  }
}

const isTable = (format: Format): boolean => format === "" || format === "wide";

async function structured(value: unknown, format: "json" | "yaml"): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, null, 4)}\n`;
  const { stringify } = await import("yaml");
  // Words that YAML 1.1 reads as something else (yes, on, a time) are quoted: kubectl's parser would take them for that.
  return stringify(value, { version: "1.1", lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false });
}

async function printListings(context: Context, listings: readonly Listing[], format: Format): Promise<void> {
  let first = true;
  for (const listing of listings) {
    if (isTable(format) && listing.rows.length === 0 && listing.empty !== undefined) {
      await context.stderr.write(`${listing.empty}\n`);
      continue;
    }
    const text = await listingText(listing, { format, width: context.width, header: true });
    await context.stdout.write(first || !isTable(format) ? text : `\n${text}`);
    first = false;
  }
}

async function listingText(listing: Listing, options: { readonly format: Format; readonly width: number; readonly header: boolean }): Promise<string> {
  const { format } = options;
  if (format === "json" || format === "yaml") return structured(listing.value(), format);
  if (format === "name") return listing.rows.map((row) => `${row.name}\n`).join("");
  return table(listing, { ...options, wide: format === "wide", ...(listing.whole === true ? { width: Infinity } : {}) }).map((line) => `${line}\n`).join("");
}

export interface TableOptions {
  readonly wide?: boolean;
  readonly header?: boolean;
  /** Longer lines are cut. */
  readonly width?: number;
  /** Columns are at least this wide; updated, so that later rows line up with earlier ones. */
  readonly widths?: number[];
}

/** The lines of a table: aligned, three spaces between columns, upper-case headers. */
export function table(listing: Pick<Listing, "columns" | "rows">, options: TableOptions = {}): readonly string[] {
  const shown = listing.columns.map((column, index) => ({ column, index })).filter(({ column }) => column.wide !== true || options.wide === true);
  const body = listing.rows.map((row) => shown.map(({ index }) => printable(row.cells[index] ?? "").replaceAll("\n", " ")));
  const lines = options.header === false ? body : [shown.map(({ column }) => column.header), ...body];
  const widths = options.widths ?? [];
  for (const line of lines) line.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, Bun.stringWidth(cell))));
  return lines.map((line) => cut(line.map((cell, index) => pad(cell, widths[index] ?? 0)).join("   ").trimEnd(), options.width ?? Infinity));
}

const pad = (cell: string, width: number): string => cell + " ".repeat(width - Bun.stringWidth(cell));

/** Cuts a line to what fits into `width` columns. */
export function cut(line: string, width: number): string {
  if (Bun.stringWidth(line) <= width) return line;
  let kept = "";
  for (const letter of line) {
    if (Bun.stringWidth(kept + letter) >= width) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** Columns from their headers; those after `|` only with `-o wide`. */
export function columns(headers: string): readonly Column[] {
  const [always = "", wide = ""] = headers.split("|");
  const words = (text: string): readonly string[] => text.split(",").map((word) => word.trim()).filter((word) => word !== "");
  return [...words(always).map((header) => ({ header })), ...words(wide).map((header) => ({ header, wide: true }))];
}

async function redraw(context: Context, frames: AsyncIterable<Listing>, format: Format): Promise<void> {
  for await (const frame of frames) {
    const lines = frame.rows.length === 0 && frame.empty !== undefined ? [frame.empty] : table(frame, { wide: format === "wide", width: context.width });
    if (!(await context.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`))) return;
  }
}

async function append(context: Context, outcome: Extract<Outcome, { kind: "watch" }>, format: Format): Promise<void> {
  const widths: number[] = [];
  let header = true;
  for await (const frame of outcome.frames) {
    const text = isTable(format)
      ? table(frame, { wide: format === "wide", header, width: context.width, widths }).map((line) => `${line}\n`).join("")
      : await listingText(frame, { format, width: context.width, header });
    if (!(await writeAll(context.stdout, text))) return;
    header = outcome.redraw;
  }
}

const writeAll = async (writer: Writer, text: string): Promise<boolean> => text === "" || writer.write(text);
