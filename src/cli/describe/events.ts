/** The table of events at the end of a description. */
import type { EventRecord } from "../../state/state.ts";
import { seen } from "../kinds/events.ts";
import { columns, table } from "../print.ts";
import type { Line } from "./lines.ts";

/** `Events:` and a table, or `<none>`. */
export function eventLines(events: readonly EventRecord[], now: number): readonly Line[] {
  if (events.length === 0) return [{ indent: 0, label: "Events:", value: "<none>" }];
  const rows = events.map((event) => ({ name: "", cells: [event.type, event.reason, seen(event, now), "wherry", event.message.trim()] }));
  const rule = { name: "", cells: ["----", "------", "---", "----", "-------"] };
  const lines = table({ columns: columns("Type,Reason,Age,From,Message"), rows: [rule, ...rows] });
  return [{ indent: 0, label: "Events:" }, ...lines.map((label) => ({ indent: 2, label }))];
}
