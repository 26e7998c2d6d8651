/** Events: repeated ones count up, and each service keeps its newest. */
import { matching } from "./columns.ts";
import type { Database } from "./database.ts";
import { EVENT_COUNTER, EVENTS } from "./rows.ts";
import type { EventRecord, NewEvent, RuntimeState } from "./state.ts";

/** Milliseconds since its latest occurrence in which an equal event is the same event again. */
const SAME_FOR = 600_000;
const KEPT_PER_SERVICE = 1000;

export function events(database: Database): Pick<RuntimeState, "addEvent" | "events" | "removeEvents"> {
  return {
    addEvent: (event, now) => database.transaction(() => addEvent(database, event, now)),
    events: (filter = {}) => {
      const { where, values } = matching({ "service = ?": filter.service, "namespace = ?": filter.namespace, "name = ?": filter.name, "sequence > ?": filter.after });
      return database.select(EVENTS, `${where} ORDER BY position`, values);
    },
    removeEvents: (service) => void database.run("DELETE FROM events WHERE service = ?", [service]),
  };
}

function addEvent(database: Database, event: NewEvent, now: number): void {
  const sequence = nextSequence(database);
  const same = sameEvent(database, event, now - SAME_FOR);
  if (same !== undefined) {
    database.update(EVENTS, { sequence, count: same.count + 1, lastAt: now }, { where: "sequence = ?", values: [same.sequence] });
    return;
  }
  database.run(EVENTS.insert, EVENTS.values({ ...event, sequence, count: 1, firstAt: now, lastAt: now }));
  database.run(FORGET_OLDEST, [event.service, event.service, KEPT_PER_SERVICE]);
}

const FORGET_OLDEST = `
  DELETE FROM events WHERE service = ? AND sequence <=
    (SELECT sequence FROM events WHERE service = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)`;

function nextSequence(database: Database): number {
  database.run("UPDATE event_counter SET value = value + 1");
  return database.selectOne(EVENT_COUNTER)?.value ?? 0;
}

function sameEvent(database: Database, { uid, reason, ...rest }: NewEvent, since: number): EventRecord | undefined {
  const { where, values } = matching({
    "uid = ?": uid, "reason = ?": reason, "service = ?": rest.service, "namespace = ?": rest.namespace, "kind = ?": rest.kind,
    "name = ?": rest.name, "field_path = ?": rest.fieldPath, "type = ?": rest.type, "message = ?": rest.message, "last_at >= ?": since,
  });
  return database.selectOne(EVENTS, where, values);
}
