/** Sign-in, and the page for what went wrong. */
import type { Locale } from "../../core/locale.ts";
import { type TextKey, translator } from "../texts.ts";
import { renderPage } from "./layout.tsx";

export interface SignInPage {
  readonly locale: Locale;
  /** Already made safe; where to go on to. */
  readonly next: string;
  readonly name: string;
  readonly fault: { readonly key: TextKey; readonly minutes?: number } | null;
}

export function renderSignInPage({ locale, next, name, fault }: SignInPage): string {
  const t = translator(locale);
  const other = locale === "en" ? "zh-CN" : "en";
  return renderPage({
    locale,
    title: t("signIn"),
    otherLanguageUrl: `/login?lang=${other}&next=${encodeURIComponent(next)}`,
    children: (
      <form method="post" action="/login">
        <h1>
          {t("product")} · {t("signIn")}
        </h1>
        {fault === null ? null : (
          <p class="notice" role="alert">
            {t(fault.key, { n: fault.minutes ?? 0 })}
          </p>
        )}
        <input type="hidden" name="next" value={next} />
        <input type="hidden" name="lang" value={locale} />
        <label>
          {t("name")}
          <input name="name" value={name} autocomplete="username" autocapitalize="none" required maxLength={64} />
        </label>
        <label>
          {t("password")}
          <input name="password" type="password" autocomplete="current-password" required maxLength={1024} />
        </label>
        <button type="submit">{t("signIn")}</button>
      </form>
    ),
  });
}

export function renderFaultPage(locale: Locale, key: TextKey): string {
  const t = translator(locale);
  return renderPage({
    locale,
    title: t(key),
    otherLanguageUrl: locale === "en" ? "?lang=zh-CN" : "?lang=en",
    children: (
      <>
        <h1>{t(key)}</h1>
        <a class="top" href="/">
          {t("home")}
        </a>
      </>
    ),
  });
}
