/** Security contexts of pods and containers (core/v1 `ValidateSecurityContext`, `ValidatePodSecurityContext`). */
import {
  FS_GROUP_POLICIES, SUPPLEMENTAL_GROUPS_POLICIES, type PodSecurityContext, type Profile, type SecurityContext, type SeLinuxOptions, type SharedSecurityContext,
} from "../spec/spec.ts";
import { complain, complainMissing, field, flag, items, number, text, what, type Cursor } from "./cursor.ts";
import { ID, wholeNumber } from "./numbers.ts";
import { present } from "./present.ts";
import { follows, requiredText, RULES } from "./rules.ts";

/** The pod's own; undefined when there is none. */
export function readPodSecurity(cursor: Cursor | undefined): PodSecurityContext | undefined {
  if (cursor === undefined) return undefined;
  const groups = items(field(cursor, "supplementalGroups"));
  const sysctls = items(field(cursor, "sysctls")).flatMap((sysctl) => {
    const name = requiredText(sysctl, "name", RULES.sysctl);
    return name === undefined ? [] : [{ name: name.replaceAll("/", "."), value: text(field(sysctl, "value")) ?? "" }];
  });
  return {
    ...readShared(cursor),
    ...present("fsGroup", wholeNumber(cursor, "fsGroup", ID)),
    ...present("fsGroupChangePolicy", FS_GROUP_POLICIES.find((known) => known === text(field(cursor, "fsGroupChangePolicy")))),
    ...present("supplementalGroups", groups.length === 0 ? undefined : groups.map(groupOf).filter((group) => group !== undefined)),
    ...present("supplementalGroupsPolicy", SUPPLEMENTAL_GROUPS_POLICIES.find((known) => known === text(field(cursor, "supplementalGroupsPolicy")))),
    ...present("sysctls", sysctls.length === 0 ? undefined : sysctls),
  };
}

function groupOf(cursor: Cursor): number | undefined {
  const id = number(cursor);
  if (id === undefined || (id >= ID.least && id <= (ID.most ?? 0))) return id;
  complain(cursor, { code: "value", message: `is ${what(cursor)}, should be ${ID.least} to ${ID.most}` });
  return undefined;
}

/** A container's own; undefined when there is none. */
export function readSecurity(cursor: Cursor | undefined, { hostUsers }: { readonly hostUsers: boolean }): SecurityContext | undefined {
  if (cursor === undefined) return undefined;
  const [privileged, escalation] = [flag(field(cursor, "privileged")), flag(field(cursor, "allowPrivilegeEscalation"))];
  const capabilities = readCapabilities(field(cursor, "capabilities"));
  const mountAt = field(cursor, "procMount");
  const procMount = text(mountAt);
  if (mountAt !== undefined && procMount === "Unmasked" && hostUsers) complain(mountAt, { code: "value", message: "is Unmasked, `hostUsers` must be false to use `Unmasked`" });
  const at = field(cursor, "allowPrivilegeEscalation");
  if (escalation === false && at !== undefined) {
    if (privileged === true) complain(at, { code: "value", message: "is false, should not be for a privileged container" });
    else if (capabilities?.add.some((name) => /^(CAP_)?SYS_ADMIN$/.test(name)) === true) complain(at, { code: "value", message: "is false, should not be when the capability SYS_ADMIN is added" });
  }
  return {
    ...readShared(cursor),
    ...present("privileged", privileged),
    ...present("allowPrivilegeEscalation", escalation),
    ...present("readOnlyRootFilesystem", flag(field(cursor, "readOnlyRootFilesystem"))),
    ...present<"procMount", "Default" | "Unmasked">("procMount", procMount === "Default" || procMount === "Unmasked" ? procMount : undefined),
    ...present("capabilities", capabilities),
  };
}

function readCapabilities(cursor: Cursor | undefined): SecurityContext["capabilities"] {
  if (cursor === undefined) return undefined;
  const words = (name: string): readonly string[] =>
    items(field(cursor, name)).flatMap((item) => {
      follows(item, RULES.capability);
      return text(item) ?? [];
    });
  return { add: words("add"), drop: words("drop") };
}

function readShared(cursor: Cursor): SharedSecurityContext {
  return {
    ...present("runAsUser", wholeNumber(cursor, "runAsUser", ID)),
    ...present("runAsGroup", wholeNumber(cursor, "runAsGroup", ID)),
    ...present("runAsNonRoot", flag(field(cursor, "runAsNonRoot"))),
    ...present("seLinuxOptions", readSeLinux(field(cursor, "seLinuxOptions"))),
    ...present("seccompProfile", readProfile(field(cursor, "seccompProfile"))),
    ...present("appArmorProfile", readProfile(field(cursor, "appArmorProfile"))),
  };
}

function readSeLinux(cursor: Cursor | undefined): SeLinuxOptions | undefined {
  if (cursor === undefined) return undefined;
  const word = (name: string): string | undefined => text(field(cursor, name));
  return { ...present("user", word("user")), ...present("role", word("role")), ...present("type", word("type")), ...present("level", word("level")) };
}

function readProfile(cursor: Cursor | undefined): Profile | undefined {
  if (cursor === undefined) return undefined;
  const type = text(field(cursor, "type"));
  const at = field(cursor, "localhostProfile");
  const localhostProfile = text(at);
  if (type === "Localhost") {
    if (localhostProfile === undefined || localhostProfile === "") complainMissing(cursor, "localhostProfile", "should be given for type Localhost");
    else if (at !== undefined && follows(at, RULES.descendingPath)) return { type, localhostProfile };
    return undefined;
  }
  if (at !== undefined) complain(at, { code: "value", message: "is given, should be for type Localhost only" });
  if (type === undefined) complainMissing(cursor, "type");
  return type === "RuntimeDefault" || type === "Unconfined" ? { type } : undefined;
}
