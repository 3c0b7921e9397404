/** The frame of every server-rendered page: one document, one style sheet named by its hash in the CSP, no script. */
import { createHash } from "node:crypto";
import type { ComponentChildren, VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import type { Locale } from "../../core/locale.ts";
import { translator } from "../texts.ts";

/** Grey is normal; colour is for alarms, and a glyph and a word always stand beside it. Contrast at least 4.5:1. */
const CSS = `:root{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0 auto;max-width:40rem;padding:1rem 1rem 9rem;background:#15181b;color:#e8eaec;font:1rem/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.25rem;margin:.25rem 0}h2{font-size:1rem;margin:1.25rem 0 .25rem;color:#b9bec4}
a{color:#9ecbff}a.top{display:inline-block;min-height:48px;padding:.75rem 0}
.level{font-weight:700;font-size:1.25rem;padding:.25rem .75rem;border-left:.5rem solid}
.red{color:#ff7a70}.orange{color:#ffa04d}.yellow{color:#f0c000}.blue{color:#7db7ff}.cleared{color:#b9bec4}
.value{font-size:3rem;line-height:1.1;font-weight:700;margin:.25rem 0}.value small{font-size:1.25rem;font-weight:400}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem .75rem;margin:.5rem 0}dt{color:#b9bec4}dd{margin:0}
ol,ul{margin:.25rem 0;padding-left:1.25rem}
.notice{border:2px solid #f0c000;padding:.5rem .75rem;margin:.5rem 0}
.done{border:2px solid #b9bec4;padding:.5rem .75rem;margin:.5rem 0}
svg{display:block;width:100%;height:auto}
.bar{position:fixed;left:0;right:0;bottom:0;background:#22272c;border-top:1px solid #59616a;padding:.5rem max(1rem,calc(50vw - 19rem))}
button{width:100%;min-height:60px;font:inherit;font-size:1.25rem;font-weight:700;border:0;border-radius:.5rem;background:#e8eaec;color:#15181b}
label{display:block;margin:.5rem 0}
input{width:100%;min-height:48px;font:inherit;padding:0 .75rem;background:#15181b;color:inherit;border:1px solid #8a929a;border-radius:.5rem}
:focus-visible{outline:3px solid #9ecbff;outline-offset:2px}
footer{margin-top:1.5rem;color:#b9bec4;font-size:.875rem}`;

const STYLE_HASH = createHash("sha256").update(CSS).digest("base64");

/** `data:` is for the empty icon that keeps the browser from asking for one. */
export const PAGE_CSP = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;

export interface PageFrame {
  readonly locale: Locale;
  readonly title: string;
  /** This page in the other language. */
  readonly otherLanguageUrl: string;
  readonly children: ComponentChildren;
}

export function renderPage({ locale, title, otherLanguageUrl, children }: PageFrame): string {
  const t = translator(locale);
  const other: Locale = locale === "en" ? "zh-CN" : "en";
  const body: VNode = (
    <body>
      <main>{children}</main>
      <footer>
        <a class="top" href={otherLanguageUrl} lang={other} hreflang={other}>
          {t("otherLanguage")}
        </a>
      </footer>
    </body>
  );
  const head = renderToString(<title>{`${title} · ${t("product")}`}</title>);
  return `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">${head}<link rel="icon" href="data:,"><style>${CSS}</style></head>${renderToString(body)}</html>`;
}
