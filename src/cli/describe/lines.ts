/**
 * The layout of `kubectl describe`: `Label:  value` lines, indented by nesting. Values of lines that follow each other
 * stand in one column; a line without a value ends it (Go's tabwriter).
 */
export interface Line {
  readonly indent: number;
  readonly label: string;
  readonly value?: string;
}

export const line = (label: string, value: string): Line => ({ indent: 0, label: `${label}:`, value });
/** A heading with lines below it. */
export const block = (label: string, lines: readonly Line[]): readonly Line[] => [{ indent: 0, label: `${label}:` }, ...nested(lines)];
/** Words on lines of their own, without label. */
export const words = (list: readonly string[]): readonly Line[] => list.map((word) => ({ indent: 0, label: word }));
export const nested = (lines: readonly Line[]): readonly Line[] => lines.map((each) => ({ ...each, indent: each.indent + 2 }));

/** One label, several values below each other; `<none>` without any. */
export function list(label: string, values: readonly string[]): readonly Line[] {
  const [first = "<none>", ...rest] = values;
  return [line(label, first), ...rest.map((value) => ({ indent: 0, label: "", value }))];
}

/** `key=value` pairs as a list. */
export const pairs = (label: string, map: Readonly<Record<string, string>>, between: string): readonly Line[] =>
  list(label, Object.entries(map).map(([key, value]) => `${key}${between}${value}`));

/** The lines as text. */
export function render(lines: readonly Line[]): string {
  return lines.map((each, index) => (each.value === undefined ? text(each) : `${text(each).padEnd(column(lines, index))}${each.value}`).trimEnd()).join("\n");
}

const text = (each: Line): string => " ".repeat(each.indent) + each.label;

/** Where the values of the group around `index` begin. */
function column(lines: readonly Line[], index: number): number {
  let from = index;
  let to = index;
  while (lines[from - 1]?.value !== undefined) from -= 1;
  while (lines[to + 1]?.value !== undefined) to += 1;
  return Math.max(...lines.slice(from, to + 1).map((each) => text(each).length)) + 2;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Local time in RFC 1123 with numeric zone, as kubectl writes it; `<none>` for 0. */
export function when(time: number): string {
  if (time === 0) return "<none>";
  const date = new Date(time);
  const two = (number: number): string => `${Math.floor(number)}`.padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}${two(Math.abs(offset) % 60)}`;
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${DAYS[date.getDay()]}, ${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ${clock} ${zone}`;
}
