/** Who can be given desired settings: devices that listen on `cfg` over a connection of their own. Pure. */
import type { Device } from "./site.ts";

export interface ConfigFault {
  readonly what: string;
  readonly mend: string;
}

/** Why a device will never hear of desired settings, and what to use instead; null when it can. */
export function configFault({ id, via, profile }: Device): ConfigFault | null {
  if (profile?.hj212 !== undefined) {
    return {
      what: `${id} speaks HJ 212, which has no settings as a whole`,
      mend: "use the commands setInterval and timeSync, or `jingtu hj212 command`",
    };
  }
  if (profile?.sparkplug !== undefined) {
    return {
      what: `${id} speaks Sparkplug B, which has metrics and no settings as a whole`,
      mend: "use a command such as setInterval, with its metric in profile.sparkplug.commands",
    };
  }
  if (profile?.lorawan !== undefined) {
    return {
      what: `${id} is a LoRaWAN device, which gets frames and no settings as a whole`,
      mend: "use a command such as setInterval, with its frame in profile.lorawan.downlink.commands",
    };
  }
  if (via !== undefined) {
    return {
      what: `${id} is carried by the connection of ${via} and listens to nothing itself`,
      mend: `configure ${via}, or give ${id} a connection of its own: take \`via\` out of its registration`,
    };
  }
  return null;
}
