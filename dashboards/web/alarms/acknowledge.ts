/** Acknowledging: one alarm, or many of them a few at a time. */
import { ApiFault, post } from "../api.ts";
import type { AlarmView } from "../api-types.ts";

/** Requests at the same time: a flood is acknowledged quickly and the server is not flooded in turn. */
const AT_ONCE = 4;

/** @throws ApiFault; code `ALARM_UNDECIDED` means that it is recorded and will be decided. */
export async function acknowledge(id: string, note: string): Promise<AlarmView> {
  const text = note.trim();
  const path = `alarms/${encodeURIComponent(id)}/acknowledge`;
  const { alarm } = await post<{ alarm: AlarmView }>(path, text === "" ? undefined : { note: text });
  return alarm;
}

export function isUndecided(error: unknown): boolean {
  return error instanceof ApiFault && error.code === "ALARM_UNDECIDED";
}

export async function acknowledgeAll(
  alarms: readonly AlarmView[],
  note: string,
  onEach: (alarm: AlarmView) => void,
): Promise<{ readonly done: number; readonly failed: number }> {
  const queue = [...alarms];
  let done = 0;
  let failed = 0;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        onEach(await acknowledge(next.id, note));
        done++;
      } catch (error) {
        if (isUndecided(error)) done++;
        else failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done, failed };
}
