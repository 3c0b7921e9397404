/** Frame of every page: header, notices, and the page of the path, loaded when it is first needed. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from "preact-iso";
import { ApiFault } from "./api.ts";
import { t } from "./locale.ts";
import { Header } from "./parts/header.tsx";
import { ConnectionNotice, Fault, Loading } from "./parts/notices.tsx";
import { session } from "./store.ts";

const Overview = lazy(() => import("./overview/overview-page.tsx").then(({ OverviewPage }) => OverviewPage));
const Station = lazy(() => import("./station/station-page.tsx").then(({ StationPage }) => StationPage));
const Alarms = lazy(() => import("./alarms/alarms-page.tsx").then(({ AlarmsPage }) => AlarmsPage));

const Fleet = lazy(() => import("./fleet/fleet-page.tsx").then(({ FleetPage }) => FleetPage));

/** Links that the UI routes itself; all others (`/a/…`, `/login`, `/docs`) are the server's pages. */
const OWN_PATHS = /^\/(?:map|alarms|fleet|s\/[^/]+)?(?:[?#]|$)/;

export function App({ starting }: { starting: Promise<void> }): VNode {
  const [fault, setFault] = useState<unknown>(null);
  useEffect(() => {
    starting.catch(setFault);
  }, [starting]);
  if (fault !== null) return <Unavailable fault={fault} />;
  if (session.value === null) return <Loading />;
  return (
    <LocationProvider scope={OWN_PATHS}>
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <Header />
      <ConnectionNotice />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary onError={setFault}>
          <Router>
            <Route path="/" component={Overview} />
            <Route path="/map" component={Overview} />
            <Route path="/s/:id" component={Station} />
            <Route path="/alarms" component={Alarms} />
            <Route path="/fleet" component={Fleet} />
            <Route default component={NotFound} />
          </Router>
        </ErrorBoundary>
      </main>
    </LocationProvider>
  );
}

function Unavailable({ fault }: { fault: unknown }): VNode {
  // 401 is on its way to the sign-in page.
  if (fault instanceof ApiFault && fault.status === 401) return <Loading />;
  return (
    <main>
      <Fault fault={fault} onRetry={() => location.reload()} />
    </main>
  );
}

function NotFound(): VNode {
  return (
    <section class="page">
      <h1>{t("notFound")}</h1>
      <a class="button" href="/">
        {t("home")}
      </a>
    </section>
  );
}
