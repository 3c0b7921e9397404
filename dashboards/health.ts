/** What the composition root reports about the system's fitness, as `/health/ready` shows it. */

/** One thing the system depends on; `detail` is for operators and holds no secrets. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** `ready` is false when readings cannot be accepted or alarms cannot be decided. */
export interface HealthReport {
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}
