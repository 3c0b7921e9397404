/** All listed unacknowledged alarms at once: one tap opens, one confirms. */

import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import type { AlarmView } from "../api-types.ts";
import { t } from "../locale.ts";
import { say } from "../parts/notices.tsx";
import { acknowledgeAll } from "./acknowledge.ts";

interface Props {
  readonly alarms: readonly AlarmView[];
  readonly onDone: (alarm: AlarmView) => void;
}

export function GroupAcknowledge({ alarms, onDone }: Props): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [note, setNote] = useState("");
  const [isSending, setSending] = useState(false);
  /** As listed when the dialog opened: what arrives meanwhile has not been read by anybody. */
  const [asked, setAsked] = useState<readonly AlarmView[]>([]);
  const send = (event: Event): void => {
    event.preventDefault();
    setSending(true);
    acknowledgeAll(asked, note, onDone).then(({ done, failed }) => {
      setSending(false);
      setNote("");
      dialog.current?.close();
      say(failed === 0 ? t("alarms.groupDone", { done }) : t("alarms.groupSome", { done, failed }));
    });
  };
  return (
    <>
      <button
        type="button"
        class="group"
        onClick={() => {
          setAsked(alarms);
          dialog.current?.showModal();
        }}
      >
        {t("alarms.group", { n: alarms.length })}
      </button>
      <dialog ref={dialog} aria-labelledby="group-title">
        <form onSubmit={send}>
          <h2 id="group-title">{t("alarms.groupTitle", { n: asked.length })}</h2>
          <p>{t("alarms.groupText")}</p>
          <label>
            <span>{t("alarms.noteHint")}</span>
            <input value={note} maxLength={2000} onInput={(event) => setNote(event.currentTarget.value)} />
          </label>
          <div class="actions">
            <button type="submit" class="primary" disabled={isSending}>
              {isSending ? t("alarms.acking") : t("alarms.groupGo", { n: asked.length })}
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              {t("cancel")}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
