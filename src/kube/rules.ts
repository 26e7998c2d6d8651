/** What text must look like, field by field (apimachinery `util/validation`, core/v1 `validation`). */
import { isIP } from "../base/addresses.ts";
import { WherryError } from "../base/errors.ts";
import { DNS_LABEL, DNS_SUBDOMAIN, parseQuantity } from "../spec/spec.ts";
import { complain, complainMissing, field, text, what, type Cursor } from "./cursor.ts";
import { IMAGE } from "./image.ts";

export interface Rule {
  readonly accepts: (text: string) => boolean;
  /** Completes "should be …". */
  readonly should: string;
}

const rule = (pattern: RegExp, should: string, longest = Number.POSITIVE_INFINITY): Rule => ({
  accepts: (text) => text.length <= longest && pattern.test(text),
  should,
});

const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NAME_RULE = "at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";
const isNamePart = (text: string): boolean => text.length <= 63 && NAME_PART.test(text);

/** `name` or `prefix/name`. */
function isQualifiedName(text: string): boolean {
  const parts = text.split("/");
  const name = parts.pop() ?? "";
  return parts.length < 2 && parts.every((prefix) => DNS_SUBDOMAIN.test(prefix)) && isNamePart(name);
}

const isDots = (text: string): boolean => text === "." || text.startsWith("..");
const hasBackStep = (path: string): boolean => path.split("/").includes("..");

export const RULES = {
  label: rule(DNS_LABEL, "at most 63 lower-case letters, digits and '-', with a letter or digit at both ends"),
  subdomain: rule(DNS_SUBDOMAIN, "at most 253 lower-case letters, digits, '-' and '.', with a letter or digit at both ends of every part"),
  /** A domain to search in: `.` is the root, a dot at the end and underscores are allowed (`ValidateDNS1123SubdomainWithUnderScore`). */
  searchPath: rule(/^(\.|[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*\.?)$/, "a domain such as svc.example", 254),
  /** It stands in a line of resolv.conf. */
  resolverOption: rule(/^[^\s#;]+$/, "one word"),
  nodename: rule(DNS_SUBDOMAIN, "at most 64 lower-case letters, digits, '-' and '.', with a letter or digit at both ends of every part", 64),
  labelKey: { accepts: isQualifiedName, should: `a name of ${NAME_RULE}, after an optional DNS prefix and '/'` },
  annotationKey: { accepts: (text) => isQualifiedName(text.toLowerCase()), should: `a name of ${NAME_RULE}, after an optional DNS prefix and '/'` },
  labelValue: { accepts: (text) => text === "" || isNamePart(text), should: NAME_RULE },
  /** Keys of ConfigMaps and Secrets: they become file names. */
  configKey: { accepts: (text) => /^[-._a-zA-Z0-9]{1,253}$/.test(text) && !isDots(text), should: "at most 253 letters, digits, '-', '_' and '.', not '.' and not beginning with '..'" },
  /** Kubernetes 1.34 and later. */
  envName: rule(/^[ -<>-~]+$/, "printable ASCII without '='"),
  /** IANA service names (RFC 6335). */
  portName: rule(/^(?=[^a-z]*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "at most 15 lower-case letters, digits and single '-' between them, with at least one letter", 15),
  image: { accepts: IMAGE.accepts, should: "an image reference such as docker.io/library/nginx:1.27" },
  headerName: rule(/^[-A-Za-z0-9]+$/, "letters, digits and '-'"),
  /** core/v1 `Signal`. */
  signal: rule(/^SIG(ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?)$/, "a signal of Linux such as SIGTERM or SIGRTMIN+3"),
  sysctl: rule(/^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/, "the name of a kernel parameter such as net.core.somaxconn", 253),
  capability: rule(/^(CAP_)?[A-Z][A-Z0-9_]*$/, "the name of a capability such as NET_ADMIN, or ALL"),
  ip: { accepts: (text) => isIP(text), should: "an IPv4 or IPv6 address" },
  absolutePath: { accepts: (text) => text.startsWith("/"), should: "an absolute path" },
  hostPath: { accepts: (text) => text.startsWith("/") && !hasBackStep(text), should: "an absolute path without '..'" },
  descendingPath: { accepts: (text) => !text.startsWith("/") && !hasBackStep(text), should: "a relative path without '..'" },
  itemPath: { accepts: (text) => !text.startsWith("/") && !hasBackStep(text) && !text.startsWith(".."), should: "a relative path without '..'" },
  mountPath: { accepts: (text) => !text.includes(":") && !/^[/.]*$/.test(text), should: "a path below '/' without ':'" },
} satisfies Readonly<Record<string, Rule>>;

/** Notes text that a rule does not accept; true when it does. */
export function follows(cursor: Cursor, expected: Rule): boolean {
  const value = text(cursor);
  if (value === undefined || expected.accepts(value)) return true;
  complain(cursor, { code: "value", message: `is ${what(cursor)}, should be ${expected.should}` });
  return false;
}

/** The text of a field that must be there, not empty, and follow the rule; undefined when it is not so (and noted). */
export function requiredText(cursor: Cursor, name: string, expected?: Rule): string | undefined {
  const found = field(cursor, name);
  if (found === undefined) complainMissing(cursor, name, expected === undefined ? undefined : `should be ${expected.should}`);
  const value = text(found);
  if (found === undefined || value === undefined) return undefined;
  if (value === "") {
    complain(found, { code: "required", message: expected === undefined ? "is empty, should be given" : `is empty, should be ${expected.should}` });
    return undefined;
  }
  return expected === undefined || follows(found, expected) ? value : undefined;
}

/** The text of a field that may be absent or empty (both: undefined), checked by the rule. */
export function optionalText(cursor: Cursor, name: string, expected?: Rule): string | undefined {
  const found = field(cursor, name);
  const value = text(found);
  if (found === undefined || value === undefined || value === "") return undefined;
  if (expected !== undefined) follows(found, expected);
  return value;
}

/** The text of a quantity, written as a number or as text; undefined when it is absent or not one (and noted). */
export function quantityText(cursor: Cursor | undefined, unit: "bytes" | "cores"): string | undefined {
  const value = cursor?.node.kind === "scalar" ? cursor.node.value : undefined;
  if (cursor === undefined || (typeof value !== "string" && typeof value !== "number")) return undefined;
  const written = String(value);
  const wrong = quantityComplaint(written, unit);
  if (wrong === undefined) return written;
  complain(cursor, { code: "value", message: `is ${what(cursor)}, should be ${wrong}`, hint: quantityHint(written, unit) });
  return undefined;
}

/** `64m`, `512MB` and `1gb` are slips of the kind that everybody makes once. */
function quantityHint(written: string, unit: "bytes" | "cores"): string | undefined {
  const match = unit === "bytes" ? /^([\d.]+) ?([kmgt])i?b?$/i.exec(written) : null;
  return match === null ? undefined : `did you mean "${match[1]}${match[2]?.toUpperCase()}i"?`;
}

function quantityComplaint(written: string, unit: "bytes" | "cores"): string | undefined {
  try {
    const value = parseQuantity(written);
    if (value < 0) return "0 or more";
    // Thousandths of a byte are always a slip; 0.1Gi is meant, and rounded up.
    return unit === "bytes" && /[num]$/.test(written) && !Number.isInteger(value) ? "a whole number of bytes" : undefined;
  } catch (thrown) {
    if (!(thrown instanceof WherryError)) throw thrown;
    return unit === "bytes" ? "a quantity of bytes such as 64Mi or 2G" : "a quantity of cores such as 500m or 1.5";
  }
}
