/** Starts the UI: session first, since everything else needs it; then the page and the live stream. */
import { render } from "preact";
import { openSession } from "./api.ts";
import { App } from "./app.tsx";
import { startLive } from "./live.ts";
import { locale } from "./locale.ts";
import { keepTime, loadOpenAlarms, session } from "./store.ts";
import "./styles/tokens.css";
import "./styles/base.css";

const root = document.getElementById("app") as HTMLElement;
document.documentElement.lang = locale.value;

async function start(): Promise<void> {
  session.value = await openSession();
  keepTime();
  startLive();
  loadOpenAlarms().catch(() => {}); // the number in the header; the stream brings it later
}

render(<App starting={start()} />, root);
