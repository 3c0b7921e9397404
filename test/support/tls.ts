/** A server certificate for loopback, as an operator would make one. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export function serverCertificate(folder: string): { readonly mqttTlsCert: string; readonly mqttTlsKey: string } {
  const files = { mqttTlsCert: join(folder, "cert.pem"), mqttTlsKey: join(folder, "key.pem") };
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", files.mqttTlsKey, "-out", files.mqttTlsCert],
    ],
    { stdio: "ignore" },
  );
  return files;
}
