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

/** Secrets that the server must send to a device in clear. */
export interface FieldSecrets {
  /** Inserts or replaces. @throws Refused `DEVICE_UNKNOWN`. */
  put(secret: FieldSecret, by: string): Promise<void>;
  /** False when there was none. */
  drop(device: string, kind: FieldSecretKind): Promise<boolean>;
  /** All, by device and kind. */
  list(): Promise<readonly FieldSecret[]>;
}

export function fieldSecretPurpose({ device, kind }: Pick<FieldSecret, "device" | "kind">): string {
  return `${kind}/${device}`;
}
