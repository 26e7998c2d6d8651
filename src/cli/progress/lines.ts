/** Progress as lines of text: a whole screen of them for a terminal, one for each change for anything else. Pure. */
import { printable } from "../failure.ts";
import { cut } from "../print.ts";
import { humanSize } from "../size.ts";
import { type ImageProgress, isOver, type LayerProgress, type LayerState } from "./progress.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

const WORDS: Readonly<Record<LayerState, string>> = { waiting: "waiting", downloading: "downloading", unpacking: "unpacking", present: "already there", done: "done" };
const COLOURS: Readonly<Record<LayerState, string>> = { waiting: "\x1b[2m", downloading: "\x1b[36m", unpacking: "\x1b[33m", present: "\x1b[2m", done: "\x1b[32m" };

/** Digits of a digest that tell layers apart, as podman and docker show them. */
const DIGITS = 12;
const STATE = Math.max(...Object.values(WORDS).map((word) => word.length));
/** `999.9MB/999.9MB` */
const BYTES = 15;
/** A bar that is shorter says nothing. */
const SHORTEST_BAR = 10;
const LONGEST_BAR = 50;

/**
 * The lines of all images, at most as many as the screen has but one, for the cursor, each within its columns. Where
 * layers are more than fit, those that are over are told in one line, then those that wait.
 */
export function screenLines(images: readonly ImageProgress[], screen: Screen): readonly string[] {
  const room = Math.max(1, screen.rows - 1);
  const full = images.flatMap((image) => [header(image), ...image.layers, ...warningLines(image)]);
  const kept = full.length <= room ? full : folded(images, room);
  return kept.slice(0, room).map((line) => (typeof line === "string" ? cut(line, screen.columns) : layerLine(line, screen)));
}

/** A header, a layer, or a line that stands for several layers. */
type Line = string | LayerProgress;

/** What happens now is kept longest; an image of which nothing happens keeps its header. */
function folded(images: readonly ImageProgress[], room: number): readonly Line[] {
  const active = (image: ImageProgress): readonly Line[] => image.layers.filter((layer) => !isOver(layer));
  const withoutOver = images.flatMap((image) => [header(image), ...overLine(image.layers), ...active(image)]);
  if (withoutOver.length <= room) return withoutOver;
  const busy = images.flatMap((image) => [header(image), ...overLine(image.layers), ...image.layers.filter((layer) => !isOver(layer) && layer.state !== "waiting"), ...waitingLine(image.layers)]);
  return busy.length <= room ? busy : images.map(header);
}

function overLine(layers: readonly LayerProgress[]): readonly string[] {
  const count = (state: LayerState): number => layers.filter((layer) => layer.state === state).length;
  const parts = (["done", "present"] as const).filter((state) => count(state) > 0).map((state) => `${count(state)} ${WORDS[state]}`);
  return parts.length === 0 ? [] : [`  layers: ${parts.join(", ")}`];
}

function waitingLine(layers: readonly LayerProgress[]): readonly string[] {
  const waiting = layers.filter((layer) => layer.state === "waiting").length;
  return waiting === 0 ? [] : [`  layers: ${waiting} waiting`];
}

const warningLines = ({ warnings }: ImageProgress): readonly string[] => warnings.map((warning) => `  warning: ${warning}`);

function header({ name, source, layers }: ImageProgress): string {
  const over = layers.filter(isOver).length;
  const state = layers.length > 0 ? `${over}/${layers.length} layers` : source === "" ? "waiting" : "reading";
  return `${printable(name)}: ${state}`;
}

function layerLine(layer: LayerProgress, { columns, colour }: Screen): string {
  const state = WORDS[layer.state];
  const bytes = bytesOf(layer);
  const head = `  ${shortDigest(layer.blob)}  `;
  const bar = Math.min(LONGEST_BAR, columns - head.length - STATE - BYTES - 6);
  const tail = bar >= SHORTEST_BAR ? `${barOf(layer, bar)}  ${bytes}` : bytes;
  const plain = cut(`${head}${state.padEnd(STATE)}  ${tail}`.trimEnd(), columns);
  return colour && plain.includes(state) ? plain.replace(state, `${COLOURS[layer.state]}${state}\x1b[0m`) : plain;
}

/** `[=====>    ]` of so many columns between the brackets; blank where nothing is under way. */
function barOf({ state, bytes, size }: LayerProgress, columns: number): string {
  if (state !== "downloading" && state !== "unpacking") return " ".repeat(columns + 2);
  const filled = size === 0 ? 0 : Math.min(columns, Math.floor((bytes / size) * columns));
  const bar = filled === columns ? "=".repeat(columns) : `${"=".repeat(Math.max(0, filled - 1))}${filled > 0 ? ">" : ""}`;
  return `[${bar.padEnd(columns)}]`;
}

function bytesOf({ state, bytes, size }: LayerProgress): string {
  if (state === "downloading" || state === "unpacking") return size === 0 ? (bytes === 0 ? "" : humanSize(bytes)) : `${humanSize(Math.min(bytes, size))}/${humanSize(size)}`;
  return size === 0 ? "" : humanSize(size);
}

const shortDigest = (digest: string): string => printable(digest.replace(/^[a-z0-9]+:/, "").slice(0, DIGITS));

/** The lines that say what has changed between two states of an image, where nothing can be redrawn. */
export function changeLines(before: ImageProgress, after: ImageProgress): readonly string[] {
  const reading = before.source === after.source ? [] : [`reading ${printable(after.source)}`];
  const warnings = after.warnings.slice(before.warnings.length).map((warning) => `warning: ${warning}`);
  return [...reading, ...after.layers.flatMap((layer) => changeLine(before, layer)), ...warnings];
}

function changeLine(before: ImageProgress, layer: LayerProgress): readonly string[] {
  const known = before.layers.find((each) => each.blob === layer.blob)?.state ?? "waiting";
  if (known === layer.state) return [];
  const size = layer.state === "downloading" && layer.size > 0 ? ` ${humanSize(layer.size)}` : "";
  return [`layer ${shortDigest(layer.blob)}: ${WORDS[layer.state]}${size}`];
}
