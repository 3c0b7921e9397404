/** Calls to the server: JSON, the CSRF header, and the way to the sign-in page when the session is over. */
import type { SessionView } from "./api-types.ts";

/** What the server answered from 400 up, or `OFFLINE` when there was no answer. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, what: string) {
    super(what);
    this.name = "ApiFault";
    this.status = status;
    this.code = code;
  }
}

let csrf: string | null = null;
/** The stream ends with the session; without this both would navigate and stop one another. */
let isSigningOut = false;

/** Who is signed in; sends the browser to the sign-in page when nobody is. */
export async function openSession(): Promise<SessionView> {
  const session = await get<SessionView>("session");
  csrf = session.csrf;
  return session;
}

/** Resolves never: the page is being left. */
export async function signOut(): Promise<void> {
  isSigningOut = true;
  await call("session", { method: "DELETE" });
  location.assign("/login");
}

export function goToSignIn(): void {
  if (isSigningOut) return;
  const next = `${location.pathname}${location.search}`;
  location.replace(`/login?next=${encodeURIComponent(next)}&lang=${document.documentElement.lang}`);
}

/** @throws ApiFault */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call(path, signal ? { signal } : {})).json() as Promise<T>;
}
/** @throws ApiFault */
export async function post<T>(path: string, body?: object): Promise<T> {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (await call(path, { method: "POST", ...sent })).json() as Promise<T>;
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (csrf !== null && init.method !== undefined) headers.set("x-csrf-token", csrf);
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiFault(0, "OFFLINE", "OFFLINE");
  }
  if (response.ok) return response;
  if (response.status === 401) goToSignIn();
  const problem = (await response.json().catch(() => null)) as { code?: string; what?: string } | null;
  throw new ApiFault(response.status, problem?.code ?? "", problem?.what ?? String(response.status));
}
