/** Label selectors (apimachinery `labels.Parse`): `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
import { fail } from "../base/errors.ts";

export type Labels = Readonly<Record<string, string>>;

const KEY = "[A-Za-z0-9][-A-Za-z0-9_./]*";
const VALUE = "[-A-Za-z0-9_.]*";
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`);
const PRESENCE = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Whether labels match. Fails with kind `usage` when the selector is no selector. */
export function parseSelector(text: string): (labels: Labels) => boolean {
  const requirements = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(requirement);
  return (labels) => requirements.every((each) => each(labels));
}

function requirement(part: string): (labels: Labels) => boolean {
  const set = SET.exec(part);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    const within = (labels: Labels): boolean => Object.hasOwn(labels, key) && values.includes(labels[key] ?? "");
    return operator === "in" ? within : (labels) => !within(labels);
  }
  const equality = EQUALITY.exec(part);
  if (equality !== null) {
    const [, key = "", operator, value] = equality;
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const presence = PRESENCE.exec(part);
  if (presence === null) fail("usage", `Cannot read "${part}" as a label selector: it must be like a=b, a!=b, a in (b,c), a notin (b), a or !a`);
  const [, not, key = ""] = presence;
  return (labels) => Object.hasOwn(labels, key) === (not !== "!");
}
