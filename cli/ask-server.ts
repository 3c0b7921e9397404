/** Asks the running server of the same data folder, through its control socket. */
import { callControl } from "../control.ts";
import { Unavailable } from "../core/errors.ts";
import type { Call } from "./verb.ts";

/** @throws Unavailable `SERVER_ABSENT`; Refused with the server's own words. */
export async function askServer<T>(call: Call, method: string, params: Record<string, unknown>): Promise<T> {
  const { dataDir } = call.config();
  const reply = await callControl(dataDir, method, params);
  if (reply) return reply.value as T;
  throw new Unavailable("SERVER_ABSENT", {
    what: "no server is running on this data folder",
    where: dataDir,
    mend: "start it with `jingtu serve`, or set EWS_DATA_DIR",
  });
}
