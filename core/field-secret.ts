/** Secrets that the server must send to a device in clear, and so keeps sealed instead of hashed: their kinds, and the port. */

/** What a sealed secret of a device is for: the access password of HJ 212, or its SM4 key (32 hexadecimal digits). */
export const FIELD_SECRETS = ["hj212-password", "hj212-sm4"] as const;
export type FieldSecretKind = (typeof FIELD_SECRETS)[number];

/** As kept: sealed (core/sealed.ts) for the purpose `fieldSecretPurpose`, never in clear. */
export interface FieldSecret {
  readonly device: string;
  readonly kind: FieldSecretKind;
  readonly sealed: string;
}

/** Secrets that the server must send to a device in clear. Each change raises the registry's version and is audited. */
export interface FieldSecrets {
  /** Inserts or replaces, and lets a revoked device in again, as a new secret for MQTT does. @throws Refused `DEVICE_UNKNOWN`. */
  put(secret: FieldSecret, by: string): Promise<void>;
  /** False when there was none. */
  drop(device: string, kind: FieldSecretKind, by: string): Promise<boolean>;
  /** All, by device and kind. */
  list(): Promise<readonly FieldSecret[]>;
}

export function fieldSecretPurpose({ device, kind }: Pick<FieldSecret, "device" | "kind">): string {
  return `${kind}/${device}`;
}
