/** Rule kind `event`: something happens to the water of a station that its own past does not explain. */
import { z } from "zod";
import { common } from "./rule-common.ts";

/**
 * Watches the quality channels of a station together; needs no limit and no training. `sensitive` finds weaker events,
 * `quiet` asks for a longer one; single numbers may be set beside the preset.
 */
export const EventRule = z
  .strictObject({
    kind: z.literal("event"),
    ...common,
    preset: z.enum(["normal", "sensitive", "quiet"]).default("normal"),
    /** Fused score beyond which a round of readings is an outlier, in standard deviations. */
    threshold: z.number().min(2).max(20).optional(),
    /** The same for a station with one channel. */
    thresholdSingle: z.number().min(2).max(20).optional(),
    /** The event begins when `need` of the last `of` rounds are outliers. */
    vote: z.strictObject({ need: z.int().min(1).max(30), of: z.int().min(1).max(30) }).optional(),
    /** The event is over after so many rounds without an outlier; default 20 at up to a minute, else an hour, at least 6. */
    quietAfter: z.int().min(1).max(1000).optional(),
    /** On stations with three or more channels also compare with what the last readings of each channel predict. */
    prediction: z.boolean().default(true),
  })
  .refine(({ vote }) => vote === undefined || vote.need <= vote.of, "`need` must not exceed `of`");
export type EventRule = z.infer<typeof EventRule>;

export interface EventSettings {
  readonly threshold: number;
  readonly thresholdSingle: number;
  readonly need: number;
  readonly of: number;
  readonly quietAfter: number | null;
  readonly prediction: boolean;
}

const NORMAL = { threshold: 8, thresholdSingle: 10, need: 4, of: 6 };
const PRESETS = {
  normal: NORMAL,
  sensitive: { ...NORMAL, threshold: 6, thresholdSingle: 8 },
  quiet: { ...NORMAL, need: 8, of: 12 },
};

export function eventSettings(rule: EventRule): EventSettings {
  const preset = PRESETS[rule.preset];
  return {
    threshold: rule.threshold ?? preset.threshold,
    thresholdSingle: rule.thresholdSingle ?? preset.thresholdSingle,
    need: rule.vote?.need ?? preset.need,
    of: rule.vote?.of ?? preset.of,
    quietAfter: rule.quietAfter ?? null,
    prediction: rule.prediction,
  };
}
