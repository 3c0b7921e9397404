/** The names of commands; by themselves, since device profiles name them and pages know profiles. */
export const COMMAND_OPS = ["setInterval", "sampleNow", "restart", "timeSync", "fetchHistory"] as const;
export type CommandOp = (typeof COMMAND_OPS)[number];
