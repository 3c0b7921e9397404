/** The journal on SQLite keeps the contract of its port, on real files. */
import type { OpenOptions, SqliteJournal } from "../../../storage/journal-sqlite.ts";
import { journalContract } from "../../contract/journal.ts";
import { aJournal, connectTo } from "../../support/journal-sqlite.ts";

const options = new WeakMap<SqliteJournal, OpenOptions>();

journalContract(
  "sqlite",
  async () => {
    const opened = await aJournal();
    options.set(opened.journal, opened.options);
    return opened.journal;
  },
  {
    connect: (journal) => connectTo(journal, options.get(journal)!),
    reopen: async (journal) => {
      await journal.close();
      return (await aJournal({ folder: options.get(journal)!.folder })).journal;
    },
  },
);
