/** Events, newest last, as v1 Event and with the columns of `kubectl events`. */
import { rfc3339 } from "../../pod/status.ts";
import type { EventRecord } from "../../state/state.ts";
import { humanDuration } from "../age.ts";
import type { Context } from "../context.ts";
import type { Item, Kind } from "../item.ts";
import { columns } from "../print.ts";

export const kind: Kind = {
  columns: columns("LAST SEEN,TYPE,REASON,OBJECT,MESSAGE"),
  async read(context, { namespace }) {
    const state = await context.engine.runtime();
    const events = state.events(namespace === undefined ? {} : { namespace });
    return events.toSorted((one, other) => one.lastAt - other.lastAt || one.sequence - other.sequence).map((event) => eventItem(event, context));
  },
};

/** One event as a row and as a v1 Event. */
export function eventItem(event: EventRecord, context: Context): Item {
  const cells = [seen(event, context.now()), event.type, event.reason, `${event.kind.toLowerCase()}/${event.name}`, event.message.trim()];
  return { name: eventName(event), namespace: event.namespace, labels: {}, cells, object: () => eventObject(event, context.node().name) };
}

/** `5s`, or `5s (x4 over 2m)` */
export function seen(event: EventRecord, now: number): string {
  const last = humanDuration(now - event.lastAt);
  return event.count > 1 ? `${last} (x${event.count} over ${humanDuration(now - event.firstAt)})` : last;
}

/** As Kubernetes names events: the object's name and a number, the same however often the event is repeated. */
function eventName(event: EventRecord): string {
  const what = Bun.hash.crc32(`${event.uid} ${event.fieldPath} ${event.type} ${event.reason} ${event.message}`);
  return `${event.name}.${event.firstAt.toString(16)}${what.toString(16).padStart(8, "0")}`;
}

function eventObject(event: EventRecord, host: string): unknown {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: eventName(event), namespace: event.namespace, creationTimestamp: rfc3339(event.firstAt) },
    involvedObject: {
      apiVersion: event.kind === "Pod" ? "v1" : "wherry/v1",
      kind: event.kind,
      namespace: event.namespace,
      name: event.name,
      uid: event.uid,
      ...(event.fieldPath === "" ? {} : { fieldPath: event.fieldPath }),
    },
    type: event.type,
    reason: event.reason,
    message: event.message,
    count: event.count,
    firstTimestamp: rfc3339(event.firstAt),
    lastTimestamp: rfc3339(event.lastAt),
    source: { component: "wherry", host },
    reportingComponent: "wherry",
    reportingInstance: host,
  };
}
