import { expect, test } from "bun:test";
import { seconds } from "./stopTimeout.ts";

test("seconds() reads what systemd prints, and nothing else", () => {
  const rows = [["2min", 120], ["1min 30s", 90], ["1h 500ms", 3600.5], ["infinity", Infinity], ["0", 0], ["", undefined], ["2 minutes", undefined]] as const;
  for (const [span, value] of rows) expect({ span, value: seconds(span) }).toEqual({ span, value });
});
