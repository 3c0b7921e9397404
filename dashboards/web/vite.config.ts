/** Builds the web UI into dist/dashboards/web: hashed files, nothing inline (the CSP allows none), lazy routes. */
import { defineConfig } from "vite";

const config = defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: "../../dist/dashboards/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 200,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The ES module of Leaflet: its default entry is UMD.
  resolve: { alias: [{ find: /^leaflet$/, replacement: "leaflet/dist/leaflet-src.esm.js" }] },
});

// biome-ignore lint/style/noDefaultExport: what Vite asks for
export { config as default };
